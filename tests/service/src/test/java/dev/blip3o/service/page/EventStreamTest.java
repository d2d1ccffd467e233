package dev.blip3o.service.page;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.blip3o.service.DemoServer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The page's reader of server-sent events, fed with pieces of every size. */
class EventStreamTest {
  private static final String STREAM =
      "\uFEFF: a comment\n\n"
          + "event: one\ndata: first\n\n"
          + "event: two\r\ndata:ä €\r\ndata: 𝄞 second line\r\nid: 7\r\n\r\n"
          + "data: no name\r\r"
          + "event: empty\n\n"
          + ":\n\ndata: x:y\n\n"
          + "data: never finished\n";
  private static final String EVENTS =
      "[[\"one\",\"first\"],[\"two\",\"ä €\\n𝄞 second line\"],[\"message\",\"no name\"],"
          + "[\"message\",\"x:y\"]]";

  private static WebPage page;
  private static DemoServer demo;

  @BeforeAll
  static void open() {
    page = new WebPage(800, 600);
    demo = DemoServer.start();
    page.openAsNew(demo.port());
  }

  @AfterAll
  static void close() {
    if (page != null) {
      page.close();
    }
    if (demo != null) {
      demo.close();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 7, 64, 10_000})
  void readsEventsInPiecesOfAnySize(int size) {
    Object events =
        page.browser()
            .executeAsyncScript(
                """
                const [text, size, done] = arguments;
                const bytes = new TextEncoder().encode(text);
                const body = new ReadableStream({
                  start(to) {
                    for (let k = 0; k < bytes.length; k += size) {
                      to.enqueue(bytes.slice(k, k + size));
                    }
                    to.close();
                  },
                });
                import("/event-stream.js").then(async ({ eventsOf }) => {
                  const events = [];
                  for await (const { name, data } of eventsOf(body)) {
                    events.push([name, data]);
                  }
                  done(JSON.stringify(events));
                }).catch((failure) => done(String(failure)));
                """,
                STREAM,
                size);
    assertEquals(EVENTS, events);
  }
}
