package dev.blip3o;

import dev.blip3o.internal.JobMonitor;
import dev.blip3o.internal.NativeHandle;
import java.util.Optional;

/** Turns native progress into a listener's, and every way to cancel into a reason. */
final class JobProgress implements JobMonitor {
  private final NativeHandle handle;
  private final ProgressListener listener;
  private final CancellationToken cancellation;
  private final int picture;
  private final int pictures;

  JobProgress(
      NativeHandle handle,
      ProgressListener listener,
      CancellationToken cancellation,
      int picture,
      int pictures) {
    this.handle = handle;
    this.listener = listener;
    this.cancellation = cancellation;
    this.picture = picture;
    this.pictures = pictures;
  }

  @Override
  public void progress(Unit unit, int index, int count) {
    Progress.Stage stage =
        switch (unit) {
          case ENCODE -> Progress.Stage.ENCODE;
          case TOKEN -> Progress.Stage.TOKENS;
          case STEP -> Progress.Stage.STEPS;
          case DECODE -> Progress.Stage.DECODE;
        };
    listener.onProgress(new Progress(stage, index, count, picture, pictures));
  }

  @Override
  public Optional<String> stopReason() {
    if (cancellation.isCancelled()) {
      return Optional.of("cancelled by its token");
    }
    if (handle.closing()) {
      return Optional.of("cancelled because the model was closed");
    }
    // The flag stays set: the caller's own loops must see it too.
    if (Thread.currentThread().isInterrupted()) {
      return Optional.of("cancelled because the waiting thread was interrupted");
    }
    return Optional.empty();
  }
}
