package dev.blip3o.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.blip3o.support.Repository;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the container and the systemd unit run: the gathered jars, the start, the health check. */
@Timeout(300)
class DeployedServerTest {
  private static final Pattern LISTENING = Pattern.compile("Listening at http://[^:]*:(\\d+)/");
  private static final Pattern OPTION = Pattern.compile("[- \"](--[a-z-]+)(?=[\\s\"])");
  private static final Path DEPLOY = Repository.root().resolve("deploy");

  @TempDir Path folder;

  @BeforeEach
  void gather() throws Exception {
    Path jars = Repository.root().resolve("java/cli/target/classpath.txt");
    assertTrue(
        Files.exists(jars) || System.getenv("CI") == null, jars + " is missing: run mvn verify");
    assumeTrue(Files.exists(jars), "java/cli is not packaged: run mvn verify");
    assertEquals(0, run(DEPLOY.resolve("collect.sh"), folder.toString()));
  }

  private static int run(Path script, String... arguments) throws Exception {
    String[] command = new String[arguments.length + 1];
    command[0] = script.toString();
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes());
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), output);
    return process.exitValue();
  }

  private Process start() throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
            folder.resolve("bin/blip3o-serve").toString(),
            "--model",
            Repository.demo().toString(),
            "--port",
            "0");
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().put("BLIP3O_CACHE", folder.resolve("cache").toString());
    builder.environment().put("BLIP3O_JAVA_OPTIONS", "-Xmx256m");
    return builder.redirectError(folder.resolve("err").toFile()).start();
  }

  @Test
  void startsIsHealthyAndEndsOnSigterm() throws Exception {
    Process process = start();
    try {
      BufferedReader out = process.inputReader();
      Matcher listening = LISTENING.matcher(String.valueOf(out.readLine()));
      assertTrue(listening.find(), () -> error());
      String port = listening.group(1);
      Path health = folder.resolve("bin/blip3o-health");
      assertEquals(0, run(health, port));
      assertEquals(0, run(health, port, "/readyz"));
      assertEquals(1, run(health, port, "/nowhere"));
      process.destroy();
      assertTrue(process.waitFor(60, TimeUnit.SECONDS), "SIGTERM ends it");
      assertEquals(1, run(health, port), "nobody listens any more");
      int code = process.exitValue();
      assertTrue(code == 0 || code == 143, "as the unit counts success, not " + code);
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void takesTheOptionsThatTheChartAndTheUnitGive() throws Exception {
    Process process =
        new ProcessBuilder(folder.resolve("bin/blip3o-serve").toString(), "--help").start();
    String help = new String(process.getInputStream().readAllBytes());
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), help);
    String users =
        Files.readString(DEPLOY.resolve("helm/blip3o/templates/deployment.yaml"))
            + Files.readString(DEPLOY.resolve("blip3o.service"))
            + Files.readString(DEPLOY.resolve("Containerfile")).replaceAll("(?s)^.*ENTRYPOINT", "");
    Matcher options = OPTION.matcher(users);
    int count = 0;
    while (options.find()) {
      assertTrue(help.contains(options.group(1)), options.group(1) + " is not in " + help);
      count++;
    }
    assertTrue(count >= 10, count + " options");
  }

  private String error() {
    try {
      return Files.readString(folder.resolve("err"));
    } catch (IOException e) {
      return e.toString();
    }
  }
}
