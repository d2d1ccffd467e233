package dev.blip3o;

/**
 * Hears how a request comes along. Called by the thread that called {@code generate} or {@code
 * edit}, never by a native thread; while it runs, the native work goes on. An exception from it
 * cancels the request and reaches the caller.
 */
@FunctionalInterface
public interface ProgressListener {
  /** Does nothing. */
  ProgressListener NONE = progress -> {};

  /** One token, step, or part of the encoders or of the decoder is done. */
  void onProgress(Progress progress);

  /**
   * A picture is finished. Pictures of one request are reported in their order; others of it may
   * still be worked on.
   *
   * @param picture which picture of the request, from 0
   * @param image the picture
   */
  default void onPicture(int picture, GeneratedImage image) {}

  /**
   * What a picture looks like so far: for requests with {@link PictureRequest#previewEvery}. A
   * listener that is slow hears the last one only.
   *
   * @param picture which picture of the request, from 0
   * @param preview the preview
   */
  default void onPreview(int picture, PictureEvent.Preview preview) {}
}
