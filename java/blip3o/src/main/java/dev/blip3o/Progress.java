package dev.blip3o;

/**
 * How far a picture is.
 *
 * @param stage what is being done
 * @param index how many units of the stage are done; the first report of a stage has 1
 * @param count units of the stage: parts of the encoders, image tokens, denoising steps, or parts
 *     of the decoder
 * @param picture which picture of the request, from 0
 * @param pictures how many pictures the request asks for
 */
public record Progress(Stage stage, int index, int count, int picture, int pictures) {
  /** The stages that report. */
  public enum Stage {
    /**
     * Parts of the encoding of reference and initial pictures are done. Not reported where all of
     * them were seen lately, so that none is encoded again.
     */
    ENCODE,
    /** Image tokens are drawn. */
    TOKENS,
    /** Denoising steps are done. */
    STEPS,
    /** Parts of the decoder are done. */
    DECODE
  }
}
