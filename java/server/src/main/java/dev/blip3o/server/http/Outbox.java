package dev.blip3o.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.impl.HttpServerConnection;

/**
 * What a connection still has to send: Vert.x takes an answer as ended when it is handed over, not
 * when it is on the wire, and its public interface does not tell the difference.
 *
 * <p>Threads: for the event loop alone.
 */
final class Outbox extends ChannelOutboundHandlerAdapter {
  private final Channel channel;
  private long taken;

  private Outbox(Channel channel) {
    this.channel = channel;
  }

  /** The outbox of a connection that is new. */
  static Outbox of(HttpConnection connection) {
    Channel channel = ((HttpServerConnection) connection).channelHandlerContext().channel();
    Outbox outbox = new Outbox(channel);
    // First in the pipeline is last to see what is sent: bytes.
    channel.pipeline().addFirst("blip3o-outbox", outbox);
    return outbox;
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    taken += message instanceof ByteBuf bytes ? bytes.readableBytes() : 0;
    context.write(message, promise);
  }

  /** Whether bytes wait for the client to read. */
  boolean pending() {
    ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
    return buffer != null && buffer.totalPendingWriteBytes() > 0;
  }

  /** How many bytes the system has taken; those of a few buffers more or less. */
  long sent() {
    ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
    return buffer == null
        ? taken
        : taken - buffer.totalPendingWriteBytes() + buffer.currentProgress();
  }

  /** Ends the connection at once: closed through its pipeline, Vert.x waits until all is sent. */
  void close() {
    channel.unsafe().close(channel.unsafe().voidPromise());
  }
}
