package dev.blip3o.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.InvalidRequestException;
import dev.blip3o.ModelOptions;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class ServerOptionsTest {
  private static ServerOptions options(UnaryOperator<ServerOptions.Builder> change) {
    return change.apply(ServerOptions.builder(Path.of("models/shapes"))).build();
  }

  @Test
  void theDefaultsAreForThisMachineOnly() {
    ServerOptions options = options(builder -> builder);
    assertEquals("127.0.0.1", options.host());
    assertEquals(8080, options.port());
    assertEquals(Optional.empty(), options.keysFile());
    assertEquals(List.of("shapes", "blip3o-next"), options.modelAliases());
    assertEquals(64L << 20, options.maxRequestBytes());
    assertEquals(64 << 20, options.maxPixels());
    assertEquals(Duration.ofHours(1), options.urlTtl());
    assertEquals(options.queueLimit(), options.modelOptions().queueLimit());
  }

  @Test
  void theModelTakesTheServersQueueLimit() {
    ModelOptions model = ModelOptions.builder().threads(2).queueLimit(9).build();
    ServerOptions options = options(builder -> builder.modelOptions(model).queueLimit(3));
    assertEquals(3, options.modelOptions().queueLimit());
    assertEquals(2, options.modelOptions().threads());
  }

  @Test
  void aliasesFollowTheDirectorysName() {
    ServerOptions options =
        options(builder -> builder.modelAliases(List.of("gpt-image-1", "shapes")));
    assertEquals(List.of("shapes", "gpt-image-1"), options.modelAliases());
  }

  @Test
  void aPublicUrlLosesItsLastSlash() {
    ServerOptions options =
        options(builder -> builder.publicUrl(URI.create("https://a.example/p/")));
    assertEquals(Optional.of(URI.create("https://a.example/p")), options.publicUrl());
  }

  @Test
  void aBuilderOfOptionsKeepsThemAll() {
    ServerOptions first =
        options(
            builder ->
                builder
                    .host("0.0.0.0")
                    .port(0)
                    .keysFile(Path.of("keys"))
                    .perKeyConcurrency(2)
                    .perKeyRequestsPerMinute(3)
                    .maxRequestBytes(4096)
                    .maxPixels(5)
                    .queueLimit(6)
                    .urlTtl(Duration.ofSeconds(7))
                    .urlStoreBytes(8)
                    .drainTimeout(Duration.ofSeconds(9))
                    .readTimeout(Duration.ofSeconds(10))
                    .keepAliveInterval(Duration.ofSeconds(11))
                    .modelAliases(List.of("twelve"))
                    .publicUrl(URI.create("http://thirteen.example")));
    ServerOptions second = first.toBuilder().build();
    assertEquals("0.0.0.0", second.host());
    assertEquals(0, second.port());
    assertEquals(Optional.of(Path.of("keys")), second.keysFile());
    assertEquals(2, second.perKeyConcurrency());
    assertEquals(3, second.perKeyRequestsPerMinute());
    assertEquals(4096, second.maxRequestBytes());
    assertEquals(5, second.maxPixels());
    assertEquals(6, second.queueLimit());
    assertEquals(Duration.ofSeconds(7), second.urlTtl());
    assertEquals(8, second.urlStoreBytes());
    assertEquals(Duration.ofSeconds(9), second.drainTimeout());
    assertEquals(Duration.ofSeconds(10), second.readTimeout());
    assertEquals(Duration.ofSeconds(11), second.keepAliveInterval());
    assertEquals(List.of("shapes", "twelve"), second.modelAliases());
    assertEquals(Optional.of(URI.create("http://thirteen.example")), second.publicUrl());
  }

  @Test
  void whatIsOutOfRangeIsNamed() {
    assertRefused("host", builder -> builder.host(" "));
    assertRefused("port", builder -> builder.port(65_536));
    assertRefused("port", builder -> builder.port(-1));
    assertRefused("perKeyConcurrency", builder -> builder.perKeyConcurrency(-1));
    assertRefused("perKeyRequestsPerMinute", builder -> builder.perKeyRequestsPerMinute(-1));
    assertRefused("maxRequestBytes", builder -> builder.maxRequestBytes(0));
    assertRefused("maxPixels", builder -> builder.maxPixels(0));
    assertRefused("queueLimit", builder -> builder.queueLimit(0));
    assertRefused("urlTtl", builder -> builder.urlTtl(Duration.ZERO));
    assertRefused("urlStoreBytes", builder -> builder.urlStoreBytes(-1));
    assertRefused("drainTimeout", builder -> builder.drainTimeout(Duration.ofSeconds(-1)));
    assertRefused("readTimeout", builder -> builder.readTimeout(Duration.ZERO));
    assertRefused("keepAliveInterval", builder -> builder.keepAliveInterval(Duration.ZERO));
    assertRefused("modelAliases", builder -> builder.modelAliases(List.of("")));
    assertRefused("publicUrl", builder -> builder.publicUrl(URI.create("ftp://a.example")));
    assertRefused("publicUrl", builder -> builder.publicUrl(URI.create("http://a.example/?q")));
  }

  private static void assertRefused(String name, UnaryOperator<ServerOptions.Builder> change) {
    InvalidRequestException refusal =
        assertThrows(InvalidRequestException.class, () -> options(change));
    assertTrue(refusal.getMessage().startsWith(name + " "), refusal.getMessage());
  }
}
