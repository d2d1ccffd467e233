package dev.blip3o.cli;

import dev.blip3o.InputImage;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Option;

/**
 * How a server runs. Plain fields, which {@link ServeOptions} reads: a method that named a class of
 * the server would have every command load it.
 */
final class ServeArguments {
  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      defaultValue = "127.0.0.1",
      description =
          "The interface to listen at. Default: ${DEFAULT-VALUE}, this machine only; 0.0.0.0: all"
              + " that there are.")
  String host;

  @Option(
      names = "--port",
      paramLabel = "N",
      defaultValue = "8080",
      description = "The TCP port; 0: any that is free. Default: ${DEFAULT-VALUE}.")
  int port;

  @Option(
      names = "--keys",
      paramLabel = "FILE",
      description =
          "Ask for one of the keys in this file: a key in each line, or a name and a key. It is"
              + " read again when it has changed. Default: no key is needed.")
  Path keys;

  @Option(
      names = "--key-concurrency",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Requests of one key, or without keys of one address, that may be under way at once."
              + " Default: ${DEFAULT-VALUE}, any number.")
  int keyConcurrency;

  @Option(
      names = "--key-rate",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Requests of one key, or without keys of one address, in a minute. Default:"
              + " ${DEFAULT-VALUE}, any number.")
  int keyRate;

  @Option(
      names = "--queue",
      paramLabel = "N",
      defaultValue = "256",
      description = "Pictures that may wait to be started. Default: ${DEFAULT-VALUE}.")
  int queue;

  @Option(
      names = "--max-request",
      paramLabel = "SIZE",
      converter = ByteSize.Converter.class,
      defaultValue = "64M",
      description = "The largest body of a request. Default: ${DEFAULT-VALUE}.")
  ByteSize maxRequest;

  @Option(
      names = "--max-pixels",
      paramLabel = "N",
      defaultValue = "" + InputImage.MAX_PIXELS,
      description =
          "Refuse pictures of more pixels, before anything of them is decoded. Default:"
              + " ${DEFAULT-VALUE}, 64 megapixels.")
  long maxPixels;

  @Option(
      names = "--model-alias",
      paramLabel = "NAME",
      split = ",",
      description =
          "More names that clients may ask for the model by; may be repeated. Always there: the"
              + " checkpoint's directory and blip3o-next.")
  List<String> aliases = List.of();

  @Option(
      names = "--public-url",
      paramLabel = "URL",
      converter = WebAddressConverter.class,
      description =
          "Where clients reach this server, for the addresses of pictures. Default: what each"
              + " request says.")
  URI publicUrl;

  @Option(
      names = "--url-ttl",
      paramLabel = "TIME",
      converter = TimeSpan.Converter.class,
      defaultValue = "1h",
      description = "How long the address of a picture is good. Default: ${DEFAULT-VALUE}.")
  TimeSpan urlTime;

  @Option(
      names = "--url-memory",
      paramLabel = "SIZE",
      converter = ByteSize.Converter.class,
      defaultValue = "256M",
      description =
          "What pictures that have addresses may take; then the oldest go. Default:"
              + " ${DEFAULT-VALUE}.")
  ByteSize urlMemory;

  @Option(
      names = "--drain-timeout",
      paramLabel = "TIME",
      converter = TimeSpan.Converter.class,
      defaultValue = "30s",
      description =
          "How long requests may go on once the process was asked to end. Default:"
              + " ${DEFAULT-VALUE}.")
  TimeSpan drain;

  @Option(
      names = "--read-timeout",
      paramLabel = "TIME",
      converter = TimeSpan.Converter.class,
      defaultValue = "30s",
      description =
          "How long a client may send nothing of a request, or read nothing of its answer; less"
              + " than 1 KiB a second is nothing. Default: ${DEFAULT-VALUE}.")
  TimeSpan readTimeout;

  @Option(
      names = "--keep-alive",
      paramLabel = "TIME",
      converter = TimeSpan.Converter.class,
      defaultValue = "15s",
      description =
          "After how long an idle stream gets a comment, so that nobody between closes it. Default:"
              + " ${DEFAULT-VALUE}.")
  TimeSpan keepAlive;
}
