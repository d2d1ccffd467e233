package dev.blip3o.server;

import dev.blip3o.InputImage;
import dev.blip3o.InvalidRequestException;
import dev.blip3o.ModelOptions;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * How a server runs. Immutable; any thread may read it.
 *
 * <pre>{@code
 * ServerOptions options = ServerOptions.builder(Path.of("weights/demo")).port(8080).build();
 * }</pre>
 */
public final class ServerOptions {
  /** The name under which every model can be asked for, beside its directory's. */
  public static final String COMMON_ALIAS = "blip3o-next";

  /** The largest limit of a request's body: it is held in memory. */
  public static final long MAX_REQUEST_BYTES = 1L << 30;

  private static final int MAX_PORT = 65_535;
  private static final int MAX_RATE = 1_000_000;
  private static final Duration LONGEST = Duration.ofDays(7);
  private static final Duration SHORTEST_INTERVAL = Duration.ofMillis(10);

  private final Path modelDirectory;
  private final ModelOptions modelOptions;
  private final String host;
  private final int port;
  private final Optional<Path> keysFile;
  private final int perKeyConcurrency;
  private final int perKeyRequestsPerMinute;
  private final long maxRequestBytes;
  private final long maxPixels;
  private final int queueLimit;
  private final Duration urlTtl;
  private final long urlStoreBytes;
  private final Duration drainTimeout;
  private final Duration readTimeout;
  private final Duration keepAliveInterval;
  private final List<String> modelAliases;
  private final Optional<URI> publicUrl;

  private ServerOptions(Builder from) {
    modelDirectory = from.modelDirectory;
    queueLimit = Checks.range("queueLimit", from.queueLimit, 1, ModelOptions.MAX_QUEUE_LIMIT);
    modelOptions =
        Objects.requireNonNull(from.modelOptions, "modelOptions").toBuilder()
            .queueLimit(queueLimit)
            .build();
    host = Checks.filled("host", from.host);
    port = Checks.range("port", from.port, 0, MAX_PORT);
    keysFile = Optional.ofNullable(from.keysFile);
    perKeyConcurrency =
        Checks.range("perKeyConcurrency", from.perKeyConcurrency, 0, ModelOptions.MAX_QUEUE_LIMIT);
    perKeyRequestsPerMinute =
        Checks.range("perKeyRequestsPerMinute", from.perKeyRequestsPerMinute, 0, MAX_RATE);
    maxRequestBytes =
        Checks.range("maxRequestBytes", from.maxRequestBytes, 1024, MAX_REQUEST_BYTES);
    maxPixels = Checks.range("maxPixels", from.maxPixels, 1, InputImage.LARGEST_MAX_PIXELS);
    urlTtl = Checks.range("urlTtl", from.urlTtl, SHORTEST_INTERVAL, LONGEST);
    urlStoreBytes = Checks.range("urlStoreBytes", from.urlStoreBytes, 0, Long.MAX_VALUE);
    drainTimeout = Checks.range("drainTimeout", from.drainTimeout, Duration.ZERO, LONGEST);
    readTimeout = Checks.range("readTimeout", from.readTimeout, SHORTEST_INTERVAL, LONGEST);
    keepAliveInterval =
        Checks.range("keepAliveInterval", from.keepAliveInterval, SHORTEST_INTERVAL, LONGEST);
    modelAliases = aliases(modelDirectory, from.modelAliases);
    publicUrl = Optional.ofNullable(from.publicUrl).map(Checks::publicUrl);
  }

  /** The directory's name, then those given, each once. */
  private static List<String> aliases(Path directory, List<String> given) {
    LinkedHashSet<String> names = new LinkedHashSet<>();
    Path name = directory.toAbsolutePath().normalize().getFileName();
    if (name != null) {
      names.add(name.toString());
    }
    given.forEach(alias -> names.add(Checks.filled("modelAliases", alias)));
    return List.copyOf(names);
  }

  /** Everything but the checkpoint has a default. */
  public static Builder builder(Path modelDirectory) {
    return new Builder(Objects.requireNonNull(modelDirectory, "modelDirectory"));
  }

  /** The checkpoint's directory. */
  public Path modelDirectory() {
    return modelDirectory;
  }

  /** How the checkpoint is opened; its queue limit is {@link #queueLimit}. */
  public ModelOptions modelOptions() {
    return modelOptions;
  }

  /** The name or address of the interface to listen at; default 127.0.0.1, this machine only. */
  public String host() {
    return host;
  }

  /** The TCP port; 0: any that is free; default 8080. */
  public int port() {
    return port;
  }

  /**
   * A file of bearer keys, one of which every request for pictures must carry; it is read again
   * when it has changed. Empty, the default: none is asked for.
   */
  public Optional<Path> keysFile() {
    return keysFile;
  }

  /**
   * How many requests of one key may be under way at once, and where there are no keys of one
   * client address; 0, the default: any number.
   */
  public int perKeyConcurrency() {
    return perKeyConcurrency;
  }

  /**
   * How many requests one key may send within a minute, and where there are no keys one client
   * address; 0, the default: any number.
   */
  public int perKeyRequestsPerMinute() {
    return perKeyRequestsPerMinute;
  }

  /** The largest body of a request, in bytes; default 64 MiB. Bodies are held in memory. */
  public long maxRequestBytes() {
    return maxRequestBytes;
  }

  /**
   * How many pixels the pictures of a request may have together, and its mask by itself; default
   * {@link InputImage#MAX_PIXELS}, 64 megapixels.
   */
  public long maxPixels() {
    return maxPixels;
  }

  /** How many pictures may wait to be started, all clients together; default 256. */
  public int queueLimit() {
    return queueLimit;
  }

  /** How long the address of a picture is good; default one hour. */
  public Duration urlTtl() {
    return urlTtl;
  }

  /** What pictures with addresses may hold of the heap, in bytes; default 256 MiB. */
  public long urlStoreBytes() {
    return urlStoreBytes;
  }

  /** How long work that is under way may go on once the server is to end; default 30 seconds. */
  public Duration drainTimeout() {
    return drainTimeout;
  }

  /**
   * How long a client may do nothing when it is its turn, to send a request or to read an answer;
   * default 30 seconds. Less than 1 KiB a second on average is nothing.
   */
  public Duration readTimeout() {
    return readTimeout;
  }

  /** How long a stream may be idle before a comment keeps it alive; default 15 seconds. */
  public Duration keepAliveInterval() {
    return keepAliveInterval;
  }

  /**
   * The names that {@code model} may have in requests, at least one; the first is the one that the
   * server lists first. Default: the directory's name and {@value #COMMON_ALIAS}.
   */
  public List<String> modelAliases() {
    return modelAliases;
  }

  /**
   * What clients see this server as, for the addresses of pictures; without a slash at its end.
   * Empty, the default: what each request names in its {@code Host} header.
   */
  public Optional<URI> publicUrl() {
    return publicUrl;
  }

  /** A builder that starts from these options. */
  public Builder toBuilder() {
    Builder builder = new Builder(modelDirectory);
    builder.modelOptions = modelOptions;
    builder.host = host;
    builder.port = port;
    builder.keysFile = keysFile.orElse(null);
    builder.perKeyConcurrency = perKeyConcurrency;
    builder.perKeyRequestsPerMinute = perKeyRequestsPerMinute;
    builder.maxRequestBytes = maxRequestBytes;
    builder.maxPixels = maxPixels;
    builder.queueLimit = queueLimit;
    builder.urlTtl = urlTtl;
    builder.urlStoreBytes = urlStoreBytes;
    builder.drainTimeout = drainTimeout;
    builder.readTimeout = readTimeout;
    builder.keepAliveInterval = keepAliveInterval;
    builder.modelAliases = modelAliases;
    builder.publicUrl = publicUrl.orElse(null);
    return builder;
  }

  /** Builds {@link ServerOptions}. Not safe for use by several threads at once. */
  public static final class Builder {
    private static final int DEFAULT_PORT = 8080;
    private static final int DEFAULT_QUEUE = 256;
    private static final long MIB = 1L << 20;

    private final Path modelDirectory;
    private ModelOptions modelOptions = ModelOptions.defaults();
    private String host = "127.0.0.1";
    private int port = DEFAULT_PORT;
    private Path keysFile;
    private int perKeyConcurrency;
    private int perKeyRequestsPerMinute;
    private long maxRequestBytes = 64 * MIB;
    private long maxPixels = InputImage.MAX_PIXELS;
    private int queueLimit = DEFAULT_QUEUE;
    private Duration urlTtl = Duration.ofHours(1);
    private long urlStoreBytes = 256 * MIB;
    private Duration drainTimeout = Duration.ofSeconds(30);
    private Duration readTimeout = Duration.ofSeconds(30);
    private Duration keepAliveInterval = Duration.ofSeconds(15);
    private List<String> modelAliases = List.of(COMMON_ALIAS);
    private URI publicUrl;

    private Builder(Path modelDirectory) {
      this.modelDirectory = modelDirectory;
    }

    /**
     * Sets how the checkpoint is opened; of its queue limit {@link #queueLimit} takes the place.
     */
    public Builder modelOptions(ModelOptions options) {
      this.modelOptions = options;
      return this;
    }

    /** Sets the name or address of the interface to listen at. */
    public Builder host(String host) {
      this.host = host;
      return this;
    }

    /** Sets the TCP port; 0: any that is free. */
    public Builder port(int port) {
      this.port = port;
      return this;
    }

    /** Sets the file of bearer keys; null: none is asked for. */
    public Builder keysFile(Path file) {
      this.keysFile = file;
      return this;
    }

    /** Sets how many requests of one key may be under way at once; 0: any number. */
    public Builder perKeyConcurrency(int requests) {
      this.perKeyConcurrency = requests;
      return this;
    }

    /** Sets how many requests one key may send within a minute; 0: any number. */
    public Builder perKeyRequestsPerMinute(int requests) {
      this.perKeyRequestsPerMinute = requests;
      return this;
    }

    /** Sets the largest body of a request, in bytes. */
    public Builder maxRequestBytes(long bytes) {
      this.maxRequestBytes = bytes;
      return this;
    }

    /** Sets the largest picture of a request, in pixels. */
    public Builder maxPixels(long pixels) {
      this.maxPixels = pixels;
      return this;
    }

    /** Sets how many pictures may wait to be started. */
    public Builder queueLimit(int pictures) {
      this.queueLimit = pictures;
      return this;
    }

    /** Sets how long the address of a picture is good. */
    public Builder urlTtl(Duration time) {
      this.urlTtl = time;
      return this;
    }

    /** Sets what pictures with addresses may hold of the heap, in bytes. */
    public Builder urlStoreBytes(long bytes) {
      this.urlStoreBytes = bytes;
      return this;
    }

    /** Sets how long work that is under way may go on once the server is to end. */
    public Builder drainTimeout(Duration time) {
      this.drainTimeout = time;
      return this;
    }

    /** Sets how long a client may send or read nothing when it is its turn. */
    public Builder readTimeout(Duration time) {
      this.readTimeout = time;
      return this;
    }

    /** Sets how long a stream may be idle before a comment keeps it alive. */
    public Builder keepAliveInterval(Duration time) {
      this.keepAliveInterval = time;
      return this;
    }

    /** Sets the names of the model, beside its directory's. */
    public Builder modelAliases(List<String> names) {
      this.modelAliases = List.copyOf(names);
      return this;
    }

    /** Sets what clients see this server as: {@code http} or {@code https}, host, path. */
    public Builder publicUrl(URI url) {
      this.publicUrl = url;
      return this;
    }

    /**
     * Builds the options.
     *
     * @throws InvalidRequestException if an option is out of its range
     */
    public ServerOptions build() {
      return new ServerOptions(this);
    }
  }
}
