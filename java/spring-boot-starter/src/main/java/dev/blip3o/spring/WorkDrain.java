package dev.blip3o.spring;

import java.time.Duration;
import java.util.List;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.springframework.boot.web.context.WebServerGracefulShutdownLifecycle;
import org.springframework.context.SmartLifecycle;

/**
 * Lets work end when the application does: its stop waits, and Spring closes beans, the models
 * among them, only after it.
 *
 * <p>It comes after the web server, which has answered its requests by then and takes no more, and
 * so after everything that Spring stops before the web server: schedulers, listeners of messages.
 */
final class WorkDrain implements SmartLifecycle {
  /**
   * Lower phases are stopped later, and started earlier. Boot stops a web server in the phase 1024
   * below that of its graceful shutdown.
   */
  private static final int PHASE =
      WebServerGracefulShutdownLifecycle.SMART_LIFECYCLE_PHASE - 2 * 1024;

  private static final Log LOG = LogFactory.getLog(WorkDrain.class);

  private final List<Work> work;
  private final Duration timeout;
  private volatile boolean running;

  /**
   * Drains {@code work}, in its order.
   *
   * @param timeout the longest wait for all of it
   */
  WorkDrain(List<Work> work, Duration timeout) {
    this.work = work;
    this.timeout = timeout;
  }

  @Override
  public void start() {
    work.forEach(Work::resume);
    running = true;
  }

  /**
   * Waits on the calling thread, so that {@code spring.lifecycle.timeout-per-shutdown-phase} does
   * not cut the time short.
   */
  @Override
  public void stop() {
    running = false;
    TimeLimit limit = new TimeLimit(timeout);
    boolean ended = true;
    for (Work each : work) {
      ended &= each.drain(limit.left());
    }
    if (!ended) {
      LOG.warn(
          "pictures are not finished after "
              + timeout
              + " and will be cancelled; blip3o.shutdown-timeout gives them more time");
    }
  }

  @Override
  public boolean isRunning() {
    return running;
  }

  @Override
  public int getPhase() {
    return PHASE;
  }
}
