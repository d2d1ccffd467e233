package dev.blip3o.server.openai;

import dev.blip3o.server.pictures.PictureFormat;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What a client asks for, checked as far as that needs neither the model nor the pictures.
 *
 * @param operation which of the two routes
 * @param prompt what to draw, or what to change
 * @param model the name that the client gave; empty if none
 * @param size {@code auto}, or width and height in pixels as in {@code 1024x1024}
 * @param count how many pictures, {@code [1, 10]}
 * @param sampling how the pictures are drawn
 * @param output how they are sent
 * @param stream whether they are sent as events
 * @param partialImages how many previews of each picture, {@code [0, 3]}
 * @param progress whether events tell every step of the work: an extension
 */
public record PictureOrder(
    Operation operation,
    String prompt,
    String model,
    String size,
    int count,
    Sampling sampling,
    Output output,
    boolean stream,
    int partialImages,
    boolean progress) {

  /** The size that leaves the choice to the server. */
  public static final String AUTO = "auto";

  /**
   * How pictures are drawn; what is empty is the checkpoint's default. All of it extensions.
   *
   * @param seed the first picture's, all 64 bits
   * @param steps denoising steps
   * @param guidance classifier-free guidance
   * @param temperature of the image tokens
   * @param topK how many of the likeliest tokens may be drawn; 0: all
   * @param topP the probability mass of tokens that may be drawn
   */
  public record Sampling(
      OptionalLong seed,
      OptionalInt steps,
      OptionalDouble guidance,
      OptionalDouble temperature,
      OptionalInt topK,
      OptionalDouble topP) {}

  /**
   * How pictures are sent.
   *
   * @param format of the files
   * @param compression {@code [0, 100]}, 100 the least loss
   * @param address whether as addresses instead of in the answer
   * @param quality what the client asked for, told again in the answer; nothing hangs on it
   */
  public record Output(PictureFormat format, int compression, boolean address, String quality) {}
}
