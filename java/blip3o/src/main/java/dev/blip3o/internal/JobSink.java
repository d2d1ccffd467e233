package dev.blip3o.internal;

import dev.blip3o.Blip3oException;

/**
 * Takes what a job tells. Called by one thread at a time, in order, mostly the model's only event
 * thread: a sink is brief and throws nothing.
 */
public interface JobSink {
  /** Something happened. */
  void event(JobEvent event);

  /** The job ended well. Nothing follows. */
  void done(JobOutputs outputs);

  /** The job failed or was cancelled. Nothing follows. */
  void failed(Blip3oException failure);
}
