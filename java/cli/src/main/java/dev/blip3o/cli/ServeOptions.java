package dev.blip3o.cli;

import dev.blip3o.ModelOptions;
import dev.blip3o.server.ServerOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The server's options, made from those of the command line. */
final class ServeOptions {
  private ServeOptions() {}

  /**
   * What the words ask for.
   *
   * @throws UsageException if the server refuses it; the message names the option
   */
  static ServerOptions of(ServeArguments arguments, Path directory, ModelOptions model) {
    return Requests.named(
        () ->
            limits(ServerOptions.builder(directory), arguments)
                .modelOptions(model)
                .host(arguments.host)
                .port(arguments.port)
                .keysFile(arguments.keys)
                .modelAliases(aliases(arguments.aliases))
                .publicUrl(arguments.publicUrl)
                .build());
  }

  private static ServerOptions.Builder limits(
      ServerOptions.Builder options, ServeArguments arguments) {
    return options
        .perKeyConcurrency(arguments.keyConcurrency)
        .perKeyRequestsPerMinute(arguments.keyRate)
        .queueLimit(arguments.queue)
        .maxRequestBytes(arguments.maxRequest.bytes())
        .maxPixels(arguments.maxPixels)
        .urlTtl(arguments.urlTime.duration())
        .urlStoreBytes(arguments.urlMemory.bytes())
        .drainTimeout(arguments.drain.duration())
        .readTimeout(arguments.readTimeout.duration())
        .keepAliveInterval(arguments.keepAlive.duration());
  }

  private static List<String> aliases(List<String> given) {
    List<String> names = new ArrayList<>(given);
    names.add(ServerOptions.COMMON_ALIAS);
    return names;
  }
}
