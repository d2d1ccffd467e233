package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

class ServeLogTest {
  private final StringWriter text = new StringWriter();
  private final Logger own = Logger.getLogger("dev.blip3o.server");
  private final Logger below = Logger.getLogger("io.example");

  private String logged(Level level, Runnable work) {
    ServeLog.Installed installed = ServeLog.install(new PrintWriter(text), level);
    try {
      work.run();
    } finally {
      installed.close();
    }
    return text.toString();
  }

  @Test
  void aMessageIsOneLine() {
    String log =
        logged(
            Level.INFO, () -> own.log(Level.INFO, "serving {0}\nfor {1}", new Object[] {"a", 2}));
    assertTrue(
        log.matches(
            "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z INFO  dev\\.blip3o\\.server: serving a"
                + " for 2\\R"),
        log);
  }

  @Test
  void whatWasThrownIsNamedByItsClassAlone() {
    IllegalStateException thrown = new IllegalStateException("/home/bob/secret");
    String log = logged(Level.INFO, () -> own.log(Level.SEVERE, "it failed", thrown));
    assertTrue(log.contains("ERROR"), log);
    assertTrue(log.strip().endsWith("it failed (java.lang.IllegalStateException)"), log);
    assertFalse(log.contains("secret"), log);
    assertEquals(1, log.lines().count());
  }

  @Test
  void atDebugItsTraceFollows() {
    IllegalStateException thrown = new IllegalStateException("why");
    String log = logged(Level.FINE, () -> own.log(Level.FINE, "it failed", thrown));
    assertTrue(log.contains("DEBUG dev.blip3o.server: it failed"), log);
    assertTrue(log.contains("\tat dev.blip3o.cli."), log);
  }

  @Test
  void librariesBelowSpeakUpAtWarnings() {
    String log =
        logged(
            Level.INFO,
            () -> {
              below.info("chatter");
              own.fine("detail");
              below.warning("trouble");
            });
    assertFalse(log.contains("chatter") || log.contains("detail"), log);
    assertTrue(log.contains("WARN  io.example: trouble"), log);
    assertEquals("", new ServeLogTest().logged(Level.SEVERE, () -> below.warning("trouble")));
  }

  @Test
  void theLogIsAsBeforeAfterwards() {
    Logger root = Logger.getLogger("");
    Handler[] handlers = root.getHandlers();
    Level level = root.getLevel();
    logged(Level.SEVERE, () -> {});
    assertEquals(List.of(handlers), List.of(root.getHandlers()));
    assertEquals(level, root.getLevel());
  }
}
