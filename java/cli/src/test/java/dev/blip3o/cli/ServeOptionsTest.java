package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.blip3o.ModelOptions;
import dev.blip3o.server.ServerOptions;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class ServeOptionsTest {
  private static final Path MODEL = Path.of("models", "shapes");

  @CommandLine.Command
  private static final class Holder {
    @CommandLine.Mixin private ServeArguments arguments;
  }

  private static ServerOptions parse(String... words) {
    Holder holder = new Holder();
    CommandLine commandLine = new CommandLine(holder);
    commandLine.registerConverter(Path.class, new PathConverter());
    NumberConverters.register(commandLine);
    commandLine.parseArgs(words);
    return ServeOptions.of(holder.arguments, MODEL, ModelOptions.defaults());
  }

  @Test
  void theDefaultsAreTheServersOwn() {
    assertSame(ServerOptions.builder(MODEL).build(), parse());
  }

  @Test
  void eachOptionArrives() {
    ServerOptions expected =
        ServerOptions.builder(MODEL)
            .host("::1")
            .port(1)
            .keysFile(Path.of("keys"))
            .perKeyConcurrency(2)
            .perKeyRequestsPerMinute(3)
            .queueLimit(4)
            .maxRequestBytes(5 << 10)
            .maxPixels(6)
            .modelAliases(List.of("a", "b", "c", ServerOptions.COMMON_ALIAS))
            .publicUrl(URI.create("https://example.org"))
            .urlTtl(Duration.ofMinutes(7))
            .urlStoreBytes(8 << 20)
            .drainTimeout(Duration.ofSeconds(9))
            .readTimeout(Duration.ofMillis(1500))
            .keepAliveInterval(Duration.ofSeconds(10))
            .build();
    ServerOptions actual =
        parse(
            "--host=::1",
            "--port=1",
            "--keys=keys",
            "--key-concurrency=2",
            "--key-rate=3",
            "--queue=4",
            "--max-request=5K",
            "--max-pixels=6",
            "--model-alias=a,b",
            "--model-alias=c",
            "--public-url=https://example.org",
            "--url-ttl=7m",
            "--url-memory=8M",
            "--drain-timeout=9",
            "--read-timeout=1.5s",
            "--keep-alive=10s");
    assertSame(expected, actual);
    assertEquals(Optional.of(Path.of("keys")), actual.keysFile());
  }

  private static void assertSame(ServerOptions expected, ServerOptions actual) {
    assertEquals(values(expected), values(actual));
  }

  private static List<Object> values(ServerOptions options) {
    return List.of(
        options.modelDirectory(),
        options.modelOptions(),
        options.host(),
        options.port(),
        options.keysFile(),
        options.perKeyConcurrency(),
        options.perKeyRequestsPerMinute(),
        options.queueLimit(),
        options.maxRequestBytes(),
        options.maxPixels(),
        options.modelAliases(),
        options.publicUrl(),
        options.urlTtl(),
        options.urlStoreBytes(),
        options.drainTimeout(),
        options.readTimeout(),
        options.keepAliveInterval());
  }
}
