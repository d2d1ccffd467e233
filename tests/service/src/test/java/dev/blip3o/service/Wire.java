package dev.blip3o.service;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * HTTP as bytes on a socket: what no client would send can be sent, and a connection can end at any
 * byte.
 */
final class Wire {
  private static final int TIMEOUT_MILLIS = 120_000;
  private static final String LINE = "\r\n";

  private Wire() {}

  /** A connection to the server on loopback; reading gives up after two minutes. */
  static Socket connect(int port) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(TIMEOUT_MILLIS);
    socket.setTcpNoDelay(true);
    return socket;
  }

  static byte[] get(String path) {
    return request("GET", path, Map.of(), new byte[0]);
  }

  static byte[] postJson(String path, String body) {
    return post(path, "application/json", body.getBytes(StandardCharsets.UTF_8));
  }

  static byte[] post(String path, String contentType, byte[] body) {
    return request("POST", path, Map.of("Content-Type", contentType), body);
  }

  /** A whole request after whose answer the connection ends. */
  static byte[] request(String method, String path, Map<String, String> headers, byte[] body) {
    StringBuilder head = new StringBuilder();
    head.append(method).append(' ').append(path).append(" HTTP/1.1").append(LINE);
    head.append("Host: 127.0.0.1").append(LINE).append("Connection: close").append(LINE);
    headers.forEach((name, value) -> head.append(name).append(": ").append(value).append(LINE));
    head.append("Content-Length: ").append(body.length).append(LINE).append(LINE);
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    whole.writeBytes(head.toString().getBytes(StandardCharsets.ISO_8859_1));
    whole.writeBytes(body);
    return whole.toByteArray();
  }

  /**
   * Sends the bytes and reads the answer.
   *
   * @return {@link Answer#NONE} if the server ends the connection without one
   */
  static Answer ask(int port, byte[] request) {
    try (Socket socket = connect(port)) {
      try {
        socket.getOutputStream().write(request);
        socket.getOutputStream().flush();
      } catch (SocketException e) {
        // The server may answer and hang up before it has read all of a request that it refuses.
      }
      return read(new BufferedInputStream(socket.getInputStream()));
    } catch (SocketException | EOFException e) {
      return Answer.NONE;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Reads one answer to its end. */
  static Answer read(InputStream in) throws IOException {
    String first = line(in);
    if (first.isEmpty()) {
      return Answer.NONE;
    }
    Map<String, String> headers = new LinkedHashMap<>();
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    return new Answer(Integer.parseInt(first.split(" ")[1]), headers, body(in, headers));
  }

  private static byte[] body(InputStream in, Map<String, String> headers) throws IOException {
    if ("chunked".equalsIgnoreCase(headers.get("transfer-encoding"))) {
      return chunks(in);
    }
    String length = headers.get("content-length");
    return length == null ? in.readAllBytes() : exactly(in, Integer.parseInt(length));
  }

  private static byte[] chunks(InputStream in) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (int size = size(in); size > 0; size = size(in)) {
      body.writeBytes(exactly(in, size));
      line(in);
    }
    line(in);
    return body.toByteArray();
  }

  private static int size(InputStream in) throws IOException {
    String line = line(in);
    if (line.isEmpty()) {
      throw new EOFException("the stream ended before its last chunk");
    }
    return Integer.parseInt(line, 16);
  }

  private static byte[] exactly(InputStream in, int size) throws IOException {
    byte[] bytes = in.readNBytes(size);
    if (bytes.length < size) {
      throw new EOFException("the answer ended after " + bytes.length + " of " + size + " bytes");
    }
    return bytes;
  }

  /** A line without its end; empty also at the end of the stream. */
  static String line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int next = in.read(); next >= 0 && next != '\n'; next = in.read()) {
      if (next != '\r') {
        line.write(next);
      }
    }
    return line.toString(StandardCharsets.ISO_8859_1);
  }
}
