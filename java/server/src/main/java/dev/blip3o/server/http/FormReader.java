package dev.blip3o.server.http;

import dev.blip3o.server.openai.ApiException;
import dev.blip3o.server.openai.FormPart;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Reads a form of the type multipart/form-data (RFC 7578) that lies in memory as a whole, and
 * refuses whatever is not exactly one: every such body gets an answer that says what is wrong, and
 * none is understood in a way that another program would not share.
 *
 * <p>Differs from Netty's decoder, which reads while the body arrives and ends the connection
 * without an answer where a part's header is broken.
 *
 * <p>Messages name parts by their numbers, and quote nothing. One reader reads one body.
 */
final class FormReader {
  /** RFC 2046: how long a boundary may be. */
  static final int MAX_BOUNDARY = 70;

  /** More than an edit has fields and pictures. */
  private static final int MAX_PARTS = 64;

  private static final int MAX_HEADER_BYTES = 8192;
  private static final byte[] LINE_END = {'\r', '\n'};
  private static final byte[] CLOSE = {'-', '-'};
  private static final Set<String> PLAIN = Set.of("7bit", "8bit", "binary");

  private final byte[] body;
  private final byte[] delimiter;
  private final List<Map.Entry<String, String>> values = new ArrayList<>();
  private final List<FormPart> files = new ArrayList<>();
  private int part;

  private FormReader(byte[] body, String boundary) {
    this.body = body;
    this.delimiter = ("\r\n--" + boundary).getBytes(StandardCharsets.ISO_8859_1);
  }

  /**
   * Reads a form.
   *
   * @param boundary what the request's Content-Type names
   * @throws ApiException 400 if it is none
   */
  static Form read(byte[] body, String boundary) {
    return new FormReader(body, boundary).read();
  }

  private Form read() {
    int at = afterFirstDelimiter();
    while (!startsWith(at, CLOSE)) {
      int start = afterLine(at);
      int end = find(delimiter, start - LINE_END.length);
      if (end < 0) {
        throw notWhole();
      }
      part++;
      if (part > MAX_PARTS) {
        throw ApiException.invalid("The form has more than " + MAX_PARTS + " parts.", null);
      }
      read(start, end);
      at = end + delimiter.length;
    }
    return new Form(List.copyOf(values), List.copyOf(files));
  }

  /** Before it may stand a preamble, which means nothing. */
  private int afterFirstDelimiter() {
    int bare = delimiter.length - LINE_END.length;
    if (startsWith(0, Arrays.copyOfRange(delimiter, LINE_END.length, delimiter.length))) {
      return bare;
    }
    int at = find(delimiter, 0);
    if (at < 0) {
      throw notWhole();
    }
    return at + delimiter.length;
  }

  /** Behind a delimiter spaces may stand, and then its line ends. */
  private int afterLine(int from) {
    int at = from;
    while (at < body.length && (body[at] == ' ' || body[at] == '\t')) {
      at++;
    }
    if (!startsWith(at, LINE_END)) {
      throw notWhole();
    }
    return at + LINE_END.length;
  }

  /** Reads the part between {@code start} and {@code end}, where the next delimiter is. */
  private void read(int start, int end) {
    Map<String, String> headers = new HashMap<>();
    int at = start;
    while (!startsWith(at, LINE_END)) {
      int lineEnd = find(LINE_END, at);
      if (lineEnd < 0 || lineEnd >= end || lineEnd - start > MAX_HEADER_BYTES) {
        throw wrong("its headers don't end with an empty line, or are too long");
      }
      put(headers, text(at, lineEnd, StandardCharsets.UTF_8));
      at = lineEnd + LINE_END.length;
    }
    // Of an empty part the empty line's end is the delimiter's begin.
    take(headers, Math.min(at + LINE_END.length, end), end);
  }

  private void put(Map<String, String> headers, String line) {
    int colon = line.indexOf(':');
    String name = line.substring(0, Math.max(0, colon)).toLowerCase(Locale.ROOT);
    boolean clean = !name.isEmpty() && line.chars().allMatch(c -> c == '\t' || c >= ' ');
    if (!clean
        || !name.equals(name.strip())
        || headers.put(name, line.substring(colon + 1)) != null) {
      throw wrong("each of its headers must be 'name: value', and stand there once");
    }
  }

  private void take(Map<String, String> headers, int from, int to) {
    HeaderValue disposition = value(headers, "content-disposition", "form-data");
    HeaderValue type = value(headers, "content-type", "text/plain");
    HeaderValue encoding = value(headers, "content-transfer-encoding", "binary");
    if (!headers.containsKey("content-disposition") || !disposition.word().equals("form-data")) {
      throw wrong("its Content-Disposition must be form-data");
    }
    if (!PLAIN.contains(encoding.word())) {
      throw wrong("its Content-Transfer-Encoding must be binary: send the bytes as they are");
    }
    String name = disposition.parameter("name").orElseThrow(() -> wrong("it has no name"));
    if (file(disposition)) {
      files.add(new FormPart(name, Arrays.copyOfRange(body, from, to)));
    } else {
      values.add(Map.entry(name, text(from, to, charset(type))));
    }
  }

  private static boolean file(HeaderValue disposition) {
    return disposition.parameters().containsKey("filename")
        || disposition.parameters().containsKey("filename*");
  }

  private HeaderValue value(Map<String, String> headers, String name, String preset) {
    return HeaderValue.parse(headers.getOrDefault(name, preset))
        .orElseThrow(
            () -> wrong("the attributes of its " + name + " must be 'name=value', each once"));
  }

  private Charset charset(HeaderValue type) {
    Optional<String> name = type.parameter("charset");
    try {
      return name.map(Charset::forName).orElse(StandardCharsets.UTF_8);
    } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
      throw wrong("its charset is none that is read here: send UTF-8");
    }
  }

  private String text(int from, int to, Charset charset) {
    try {
      return charset.newDecoder().decode(ByteBuffer.wrap(body, from, to - from)).toString();
    } catch (CharacterCodingException e) {
      throw wrong("it holds bytes that are no text in " + charset);
    }
  }

  private boolean startsWith(int at, byte[] expected) {
    return at + expected.length <= body.length
        && Arrays.equals(body, at, at + expected.length, expected, 0, expected.length);
  }

  /** Where {@code wanted} stands first, not before {@code from}; -1: nowhere. */
  private int find(byte[] wanted, int from) {
    for (int at = from; at <= body.length - wanted.length; at++) {
      if (body[at] == wanted[0] && startsWith(at, wanted)) {
        return at;
      }
    }
    return -1;
  }

  private ApiException wrong(String what) {
    return ApiException.invalid("Part " + part + " of the form can't be read: " + what + ".", null);
  }

  private static ApiException notWhole() {
    return ApiException.invalid("The body is no whole multipart form.", null);
  }
}
