package dev.blip3o.example.springboot;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** A client of an application on this machine. */
final class Http {
  private static final String BOUNDARY = "-----boundary";

  private final HttpClient client = HttpClient.newHttpClient();
  private final String address;

  Http(int port) {
    this.address = "http://127.0.0.1:" + port;
  }

  private HttpRequest.Builder to(String path) {
    return HttpRequest.newBuilder(URI.create(address + path));
  }

  /** The body of an answer, whatever its status. */
  HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return client.send(to(path).build(), BodyHandlers.ofString());
  }

  HttpResponse<byte[]> post(String path, String json) {
    return postAsync(path, json).join();
  }

  CompletableFuture<HttpResponse<byte[]>> postAsync(String path, String json) {
    return client.sendAsync(
        to(path)
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(json))
            .build(),
        BodyHandlers.ofByteArray());
  }

  /** Posts a form; values are texts or the bytes of files. */
  HttpResponse<byte[]> post(String path, Map<String, Object> form)
      throws IOException, InterruptedException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (Map.Entry<String, Object> part : form.entrySet()) {
      boolean file = part.getValue() instanceof byte[];
      String head =
          "--%s\r\nContent-Disposition: form-data; name=\"%s\"%s\r\n\r\n"
              .formatted(BOUNDARY, part.getKey(), file ? "; filename=\"file\"" : "");
      body.writeBytes(head.getBytes(StandardCharsets.UTF_8));
      body.writeBytes(
          file
              ? (byte[]) part.getValue()
              : part.getValue().toString().getBytes(StandardCharsets.UTF_8));
      body.writeBytes("\r\n".getBytes(StandardCharsets.UTF_8));
    }
    body.writeBytes(("--" + BOUNDARY + "--\r\n").getBytes(StandardCharsets.UTF_8));
    return client.send(
        to(path)
            .header("Content-Type", "multipart/form-data; boundary=" + BOUNDARY)
            .POST(BodyPublishers.ofByteArray(body.toByteArray()))
            .build(),
        BodyHandlers.ofByteArray());
  }
}
