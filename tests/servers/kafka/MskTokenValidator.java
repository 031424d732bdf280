import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerExtensionsValidatorCallback;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallback;

/**
 * Lets a client log in by the token with which clients of Amazon MSK use IAM: a presigned URL of the action
 * kafka-cluster:Connect, in base64url. Its form and its time of expiry are checked, its signature is not. The client is
 * then known by its access key.
 */
public class MskTokenValidator implements AuthenticateCallbackHandler {
  private static final DateTimeFormatter SIGNED_AT = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'");
  private static final List<String> REQUIRED = List.of("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
      "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "User-Agent");

  private record Token(String value, String principalName, Long startTimeMs, long lifetimeMs, Set<String> scope)
      implements OAuthBearerToken {}

  @Override
  public void configure(Map<String, ?> configs, String mechanism, List<AppConfigurationEntry> entries) {}

  @Override
  public void close() {}

  @Override
  public void handle(Callback[] callbacks) throws IOException, UnsupportedCallbackException {
    for (Callback callback : callbacks) {
      if (callback instanceof OAuthBearerValidatorCallback login) {
        try {
          login.token(read(login.tokenValue()));
        } catch (RuntimeException fault) {
          login.error("invalid_token", null, null);
        }
      } else if (callback instanceof OAuthBearerExtensionsValidatorCallback extensions) {
        extensions.inputExtensions().map().keySet().forEach(extensions::valid);
      } else {
        throw new UnsupportedCallbackException(callback);
      }
    }
  }

  private static Token read(String value) {
    URI url = URI.create(new String(Base64.getUrlDecoder().decode(value), StandardCharsets.UTF_8));
    require("https".equals(url.getScheme()), "a URL of another scheme");
    require(url.getHost() != null && url.getHost().startsWith("kafka."), "a URL of another service");
    Map<String, String> query = new HashMap<>();
    for (String pair : url.getRawQuery().split("&")) {
      int end = pair.indexOf('=');
      require(end > 0, "a parameter without a value");
      query.put(pair.substring(0, end), URLDecoder.decode(pair.substring(end + 1), StandardCharsets.UTF_8));
    }
    require("kafka-cluster:Connect".equals(query.get("Action")), "another action");
    require(query.keySet().containsAll(REQUIRED), "not all parameters");
    Instant signed = LocalDateTime.parse(query.get("X-Amz-Date"), SIGNED_AT).toInstant(ZoneOffset.UTC);
    long seconds = Long.parseLong(query.get("X-Amz-Expires"));
    require(seconds > 0 && seconds <= 900, "a lifetime that no such token has");
    Instant expires = signed.plusSeconds(seconds);
    require(Instant.now().isBefore(expires), "expired");
    String[] scope = query.get("X-Amz-Credential").split("/");
    require(scope.length == 5 && scope[3].equals("kafka-cluster"), "a credential of another scope");
    return new Token(value, scope[0], signed.toEpochMilli(), expires.toEpochMilli(), Set.of());
  }

  private static void require(boolean holds, String fault) {
    if (!holds) throw new IllegalArgumentException(fault);
  }
}
