package dev.blip3o.server.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RequestLogTest {
  private final Logger logger = Logger.getLogger(RequestLog.NAME);
  private final List<String> lines = new ArrayList<>();

  private final Handler handler =
      new Handler() {
        @Override
        public void publish(LogRecord message) {
          lines.add(message.getLevel() + " " + message.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  @BeforeEach
  void listen() {
    handler.setLevel(Level.ALL);
    logger.addHandler(handler);
    logger.setUseParentHandlers(false);
  }

  @AfterEach
  void stop() {
    logger.removeHandler(handler);
    logger.setUseParentHandlers(true);
    logger.setLevel(null);
  }

  private static Exchange exchange(String route) {
    return new Exchange(12, "POST", route, "alice", 200, 345, Duration.ofMillis(678));
  }

  @Test
  void anAnswerIsOneLine() {
    new RequestLog().write(exchange("/v1/images/edits"));
    assertEquals(
        List.of("INFO request 12: POST /v1/images/edits by alice: 200, 345 bytes, 678 ms"), lines);
  }

  @Test
  void probesAndThePageAreForDebuggingOnly() {
    new RequestLog().write(exchange("/healthz"));
    assertEquals(List.of(), lines);
    logger.setLevel(Level.ALL);
    new RequestLog().write(exchange("/healthz"));
    assertEquals(List.of("FINE request 12: POST /healthz by alice: 200, 345 bytes, 678 ms"), lines);
  }
}
