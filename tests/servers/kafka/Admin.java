import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
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
 * </pre>
 */
public class Admin {
  public static void main(String[] arguments) throws Exception {
    List<String> rest = Arrays.asList(arguments).subList(2, arguments.length);
    try (var admin = org.apache.kafka.clients.admin.Admin.create(Map.of("bootstrap.servers", arguments[0]))) {
      switch (arguments[1]) {
        case "password" -> {
          var upsertions = Arrays.stream(new ScramMechanism[] {ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512})
              .map(mechanism -> new UserScramCredentialUpsertion(
                  rest.get(0), new ScramCredentialInfo(mechanism, 4096), rest.get(1)))
              .toList();
          admin.alterUserScramCredentials(List.copyOf(upsertions)).all().get();
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
          var entry = new AccessControlEntry("User:" + rest.get(0), "*", AclOperation.ALL, AclPermissionType.ALLOW);
          var any = new org.apache.kafka.common.acl.AccessControlEntryFilter(
              entry.principal(), null, AclOperation.ANY, AclPermissionType.ANY);
          admin.deleteAcls(List.of(new org.apache.kafka.common.acl.AclBindingFilter(resource(rest).toFilter(), any)))
              .all().get();
        }
        default -> throw new IllegalArgumentException(arguments[1]);
      }
    }
  }

  private static ResourcePattern resource(List<String> rest) {
    return new ResourcePattern(ResourceType.fromString(rest.get(1)), rest.get(2), PatternType.LITERAL);
  }
}
