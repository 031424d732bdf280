// An ActiveMQ broker with users, rights, TLS and the dead-letter queue that Amazon MQ has by default.
//
//   java Broker FOLDER CERTIFICATES AMQP_PORT AMQP_SSL_PORT OPENWIRE_PORT
//
// User "admin" (password "admin-secret") may do everything, "reader" ("reader-secret") only read from queues whose names begin
// with "open.", and make none.
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import org.apache.activemq.broker.BrokerPlugin;
import org.apache.activemq.broker.BrokerService;
import org.apache.activemq.broker.SslContext;
import org.apache.activemq.broker.region.policy.PolicyEntry;
import org.apache.activemq.broker.region.policy.PolicyMap;
import org.apache.activemq.broker.region.policy.SharedDeadLetterStrategy;
import org.apache.activemq.plugin.StatisticsBrokerPlugin;
import org.apache.activemq.security.AuthenticationUser;
import org.apache.activemq.security.AuthorizationEntry;
import org.apache.activemq.security.AuthorizationPlugin;
import org.apache.activemq.security.DefaultAuthorizationMap;
import org.apache.activemq.security.SimpleAuthenticationPlugin;
import org.apache.activemq.store.kahadb.KahaDBPersistenceAdapter;

public class Broker {
  public static void main(String[] args) throws Exception {
    BrokerService broker = new BrokerService();
    broker.setBrokerName("test");
    broker.setUseJmx(false);
    broker.setDataDirectory(args[0]);
    // What a killed process has written is there. To wait for the disk for each message, lest the machine lose power, would make
    // the disk what tests and benches measure.
    KahaDBPersistenceAdapter store = new KahaDBPersistenceAdapter();
    store.setDirectory(new File(args[0], "messages"));
    store.setJournalDiskSyncStrategy("never");
    broker.setPersistenceAdapter(store);
    broker.getSystemUsage().getStoreUsage().setLimit(1L << 30);
    broker.getSystemUsage().getTempUsage().setLimit(1L << 28);
    broker.getSystemUsage().getJobSchedulerUsage().setLimit(1L << 28);

    broker.setPlugins(new BrokerPlugin[] {
      new SimpleAuthenticationPlugin(List.of(
          new AuthenticationUser("admin", "admin-secret", "admins"),
          new AuthenticationUser("reader", "reader-secret", "readers"))),
      new AuthorizationPlugin(new DefaultAuthorizationMap(List.of(
          rights(true, ">", "admins", "admins", "admins"),
          rights(true, "open.>", "admins,readers", "admins", "admins"),
          rights(false, "ActiveMQ.Advisory.>", "admins,readers", "admins,readers", "admins,readers")))),
      // Tells how many messages a queue has.
      new StatisticsBrokerPlugin()
    });

    PolicyEntry all = new PolicyEntry();
    all.setQueue(">");
    all.setDeadLetterStrategy(new SharedDeadLetterStrategy());
    PolicyMap policy = new PolicyMap();
    policy.setPolicyEntries(List.of(all));
    broker.setDestinationPolicy(policy);

    char[] password = "changeit".toCharArray();
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (var in = Files.newInputStream(Path.of(args[1], "server.p12"))) {
      keys.load(in, password);
    }
    KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(keys, password);
    broker.setSslContext(new SslContext(managers.getKeyManagers(), null, null));

    String address = "://127.0.0.1:";
    broker.addConnector("amqp" + address + args[2]);
    broker.addConnector("amqp+ssl" + address + args[3]);
    broker.addConnector("tcp" + address + args[4]);
    broker.start();
    broker.waitUntilStopped();
  }

  private static AuthorizationEntry rights(boolean queues, String names, String read, String write, String admin)
      throws Exception {
    AuthorizationEntry entry = new AuthorizationEntry();
    if (queues) {
      entry.setQueue(names);
    } else {
      entry.setTopic(names);
    }
    entry.setRead(read);
    entry.setWrite(write);
    entry.setAdmin(admin);
    return entry;
  }
}
