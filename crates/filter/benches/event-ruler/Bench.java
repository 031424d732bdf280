import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import software.amazon.event.ruler.Machine;

/**
 * Times event-ruler on the rows of the benchmark `filters`. Reads the directory that
 * `filters --write` filled; prints per row its key, nanoseconds per event and matching events.
 */
public class Bench {
    static final long ROUND = 3_000_000;
    static final int ROUNDS = 40;
    /** Long enough for the compiler of the virtual machine to settle. */
    static final long WARM_UP = 600_000_000;

    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        for (String line : Files.readAllLines(directory.resolve("rows.jsonl"))) {
            JsonNode row = new ObjectMapper().readTree(line);
            Path events = directory.resolve(row.get("data").asText() + ".jsonl");
            Machine machine = new Machine();
            int index = 0;
            for (JsonNode pattern : row.get("patterns")) {
                machine.addRule("pattern-" + index++, pattern.asText());
            }
            measure(row.get("key").asText(), machine, Files.readAllLines(events));
        }
    }

    static void measure(String key, Machine machine, List<String> events) throws Exception {
        long matched = pass(machine, events);
        for (long start = System.nanoTime(); System.nanoTime() - start < WARM_UP; ) {
            pass(machine, events);
        }
        double best = Double.MAX_VALUE;
        for (int round = 0; round < ROUNDS; round++) {
            long start = System.nanoTime();
            long passes = 0;
            while (System.nanoTime() - start < ROUND) {
                pass(machine, events);
                passes++;
            }
            best = Math.min(best, (double) (System.nanoTime() - start) / (passes * events.size()));
        }
        System.out.println(key + "\t" + best + "\t" + matched);
    }

    static long pass(Machine machine, List<String> events) throws Exception {
        long matched = 0;
        for (String event : events) {
            matched += machine.rulesForJSONEvent(event).isEmpty() ? 0 : 1;
        }
        return matched;
    }
}
