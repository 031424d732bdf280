// What users of ActiveMQ have: its own Java client, which speaks OpenWire.
//
//   java Jms ADDRESS send QUEUE       sends a message of each kind, with all that messages carry; prints for each what it is
//                                     called here, its id, when it was sent and when it expires, with tabs between
//   java Jms ADDRESS fill QUEUE COUNT sends the texts "0" to COUNT - 1
//   java Jms ADDRESS read QUEUE       takes what is there; prints for each its id, how often it was delivered, and its text,
//                                     with tabs between
import java.util.ArrayList;
import javax.jms.BytesMessage;
import javax.jms.Connection;
import javax.jms.DeliveryMode;
import javax.jms.MapMessage;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Queue;
import javax.jms.Session;
import javax.jms.StreamMessage;
import javax.jms.TextMessage;
import org.apache.activemq.ActiveMQConnectionFactory;

public class Jms {
  private final Session session;
  private final Queue queue;
  private final MessageProducer producer;

  private Jms(Session session, Queue queue) throws Exception {
    this.session = session;
    this.queue = queue;
    this.producer = session.createProducer(queue);
  }

  public static void main(String[] args) throws Exception {
    var factory = new ActiveMQConnectionFactory("admin", "admin-secret", "tcp://" + args[0]);
    factory.setCopyMessageOnSend(false);
    Connection connection = factory.createConnection();
    try {
      connection.start();
      boolean fill = args[1].equals("fill");
      Session session = connection.createSession(fill, fill ? Session.SESSION_TRANSACTED : Session.AUTO_ACKNOWLEDGE);
      Jms jms = new Jms(session, session.createQueue(args[2]));
      switch (args[1]) {
        case "send" -> jms.send();
        case "fill" -> jms.fill(Integer.parseInt(args[3]));
        case "read" -> jms.read();
        default -> throw new IllegalArgumentException(args[1]);
      }
    } finally {
      connection.close();
    }
  }

  private void send() throws Exception {
    TextMessage text = session.createTextMessage("h\u00e9llo \u20ac \ud83d\ude00");
    text.setJMSCorrelationID("correlation-1");
    text.setJMSReplyTo(session.createQueue("answers"));
    text.setJMSType("greeting");
    text.setStringProperty("string", "text");
    text.setBooleanProperty("boolean", true);
    text.setByteProperty("byte", (byte) -1);
    text.setShortProperty("short", (short) 2);
    text.setIntProperty("int", 3);
    text.setLongProperty("long", 1L << 40);
    text.setFloatProperty("float", 1.5f);
    text.setDoubleProperty("double", 1e10);
    text.setStringProperty("JMSXGroupID", "group");
    text.setIntProperty("JMSXGroupSeq", 5);
    send("text", text, DeliveryMode.PERSISTENT, 7, 3_600_000);

    BytesMessage bytes = session.createBytesMessage();
    bytes.writeBytes(new byte[] {0, 1, (byte) 254, (byte) 255});
    bytes.setJMSCorrelationIDAsBytes(new byte[] {1, (byte) 255});
    send("bytes", bytes, DeliveryMode.NON_PERSISTENT, 4, 0);

    send("empty-text", session.createTextMessage(""), DeliveryMode.PERSISTENT, 4, 0);
    send("null-text", session.createTextMessage(), DeliveryMode.PERSISTENT, 4, 0);
    send("empty-bytes", session.createBytesMessage(), DeliveryMode.PERSISTENT, 4, 0);

    MapMessage map = session.createMapMessage();
    map.setString("key", "value");
    map.setBytes("bytes", new byte[] {1});
    send("map", map, DeliveryMode.PERSISTENT, 4, 0);
    send("object", session.createObjectMessage(new ArrayList<>()), DeliveryMode.PERSISTENT, 4, 0);
    StreamMessage stream = session.createStreamMessage();
    stream.writeInt(1);
    stream.writeString("two");
    send("stream", stream, DeliveryMode.PERSISTENT, 4, 0);
    send("message", session.createMessage(), DeliveryMode.PERSISTENT, 4, 0);
  }

  private void send(String name, Message message, int mode, int priority, long timeToLive) throws Exception {
    producer.send(message, mode, priority, timeToLive);
    System.out.printf("%s\t%s\t%d\t%d%n", name, message.getJMSMessageID(), message.getJMSTimestamp(), message.getJMSExpiration());
  }

  private void fill(int count) throws Exception {
    for (int number = 0; number < count; number++) {
      producer.send(session.createTextMessage(Integer.toString(number)));
    }
    session.commit();
  }

  private void read() throws Exception {
    MessageConsumer consumer = session.createConsumer(queue);
    for (Message message; (message = consumer.receive(1000)) != null; ) {
      String text = message instanceof TextMessage one ? one.getText() : "";
      System.out.printf("%s\t%d\t%s%n", message.getJMSMessageID(), message.getIntProperty("JMSXDeliveryCount"), text);
    }
  }
}
