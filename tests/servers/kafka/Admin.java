import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AccessControlEntryFilter;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/**
 * Does what librdkafka's binding for Rust has no calls for.
 *
 * <pre>
 * Admin BROKERS password USER PASSWORD                       gives a user a password, for SCRAM of both lengths
 * Admin BROKERS allow|deny USER topic|group NAME OPERATION... says what a user may or may not do
 * Admin BROKERS undo USER topic|group NAME                   forgets both
 * Admin BROKERS group NAME SETTING=VALUE...                  says what a group is set to
 * Admin BROKERS share-group NAME                             prints a share group: its state and how many members it has,
 *                                                            then of each partition the first offset that is not done, and
 *                                                            how many records are not
 * </pre>
 */
public class Admin {
  public static void main(String[] arguments) throws Exception {
    List<String> rest = Arrays.asList(arguments).subList(2, arguments.length);
    try (var admin = org.apache.kafka.clients.admin.Admin.create(Map.of("bootstrap.servers", arguments[0]))) {
      switch (arguments[1]) {
        case "password" -> {
          // Kafka takes one change of a user at a time.
          for (var mechanism : List.of(ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512)) {
            var credential = new ScramCredentialInfo(mechanism, 4096);
            var change = new UserScramCredentialUpsertion(rest.get(0), credential, rest.get(1));
            admin.alterUserScramCredentials(List.of(change)).all().get();
          }
        }
        case "allow", "deny" -> {
          var permission = arguments[1].equals("allow") ? AclPermissionType.ALLOW : AclPermissionType.DENY;
          var bindings = rest.subList(3, rest.size()).stream()
              .map(operation -> new AclBinding(resource(rest), new AccessControlEntry(
                  "User:" + rest.get(0), "*", AclOperation.fromString(operation), permission)))
              .toList();
          admin.createAcls(bindings).all().get();
        }
        case "undo" -> {
          var any = new AccessControlEntryFilter("User:" + rest.get(0), null, AclOperation.ANY, AclPermissionType.ANY);
          admin.deleteAcls(List.of(new AclBindingFilter(resource(rest).toFilter(), any))).all().get();
        }
        case "group" -> {
          var changes = rest.subList(1, rest.size()).stream()
              .map(setting -> setting.split("=", 2))
              .map(setting -> new AlterConfigOp(new ConfigEntry(setting[0], setting[1]), AlterConfigOp.OpType.SET))
              .toList();
          var group = new ConfigResource(ConfigResource.Type.GROUP, rest.get(0));
          admin.incrementalAlterConfigs(Map.of(group, changes)).all().get();
        }
        case "share-group" -> {
          var group = admin.describeShareGroups(rest).all().get().get(rest.get(0));
          System.out.println(group.groupState() + " " + group.members().size());
          var partitions = admin.listShareGroupOffsets(Map.of(rest.get(0), new ListShareGroupOffsetsSpec()));
          for (var partition : partitions.partitionsToOffsetInfo(rest.get(0)).get().entrySet()) {
            // Nothing is known of a partition that was never read.
            if (partition.getValue() != null) {
              var lag = partition.getValue().lag().orElse(-1L);
              System.out.println(partition.getKey() + " " + partition.getValue().startOffset() + " " + lag);
            }
          }
        }
        default -> throw new IllegalArgumentException(arguments[1]);
      }
    }
  }

  private static ResourcePattern resource(List<String> rest) {
    return new ResourcePattern(ResourceType.fromString(rest.get(1)), rest.get(2), PatternType.LITERAL);
  }
}
