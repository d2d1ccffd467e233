package dev.blip3o.server.limits;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.InvalidRequestException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeyRingTest {
  private static final String OLD = "sk-old-0123456789";
  private static final String NEW = "sk-new-0123456789";

  @TempDir Path folder;

  private final AtomicLong nanos = new AtomicLong();
  private final Logger logger = Logger.getLogger("dev.blip3o.server");
  private final List<String> log = new ArrayList<>();
  private Path file;
  private KeyRing ring;

  private final Handler listener =
      new Handler() {
        @Override
        public void publish(LogRecord message) {
          log.add(message.getLevel() + " " + new SimpleFormatter().formatMessage(message));
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  @BeforeEach
  void read() throws IOException {
    listener.setLevel(Level.ALL);
    logger.addHandler(listener);
    file = Files.writeString(folder.resolve("keys"), "alice " + OLD + "\n");
    ring = new KeyRing(file, nanos::get);
  }

  @AfterEach
  void close() {
    logger.removeHandler(listener);
  }

  private void write(String text) throws IOException {
    FileTime later = FileTime.fromMillis(Files.getLastModifiedTime(file).toMillis() + 2000);
    Files.setLastModifiedTime(Files.writeString(file, text), later);
  }

  private void passASecond() {
    nanos.addAndGet(Duration.ofSeconds(1).toNanos());
  }

  private Optional<String> owner(String key) {
    return ring.owner("Bearer " + key);
  }

  @Test
  void aChangedFileIsReadAgainWithinASecond() throws IOException {
    write("bob " + NEW + "\n");
    assertEquals(Optional.of("alice"), owner(OLD), "it is looked at once a second");
    assertEquals(Optional.empty(), owner(NEW));
    passASecond();
    assertEquals(Optional.of("bob"), owner(NEW));
    assertEquals(Optional.empty(), owner(OLD), "who is no more in the file is out");
    assertEquals(
        List.of("INFO the keys file has changed: ApiKeys[1] are known now"), log, log::toString);
  }

  @Test
  void aFileInItsPlaceIsNoticedToo() throws IOException {
    Path other = Files.writeString(folder.resolve("other"), "alice " + NEW + "\n");
    Files.setLastModifiedTime(other, Files.getLastModifiedTime(file));
    Files.move(other, file, StandardCopyOption.REPLACE_EXISTING);
    passASecond();
    assertEquals(Optional.of("alice"), owner(NEW));
  }

  @Test
  void aBrokenFileKeepsTheKeysAndIsToldOnce() throws IOException {
    write("bob tooshort\n");
    for (int k = 0; k < 3; k++) {
      passASecond();
      assertEquals(Optional.of("alice"), owner(OLD));
    }
    assertEquals(1, log.size(), log::toString);
    assertTrue(log.get(0).startsWith("SEVERE the keys file has changed, but the keys stay"));
    assertTrue(log.get(0).contains("line 1: a key must have 16 characters"), log.get(0));
    assertFalse(log.get(0).contains("tooshort") || log.get(0).contains("bob"), log.get(0));
    assertFalse(log.get(0).contains(folder.toString()), log.get(0));

    write("bob " + NEW + "\n");
    passASecond();
    assertEquals(Optional.of("bob"), owner(NEW));
  }

  @Test
  void aFileThatIsGoneKeepsTheKeys() throws IOException {
    Files.delete(file);
    passASecond();
    assertEquals(Optional.of("alice"), owner(OLD));
    assertEquals(1, log.size(), log::toString);
    assertFalse(log.get(0).contains(folder.toString()), log.get(0));
  }

  @Test
  void atTheStartABrokenFileIsRefused() throws IOException {
    write("# none\n");
    assertThrows(InvalidRequestException.class, () -> new KeyRing(file));
  }
}
