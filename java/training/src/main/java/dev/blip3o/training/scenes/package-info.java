/**
 * The drawn scenes that the demo checkpoint was trained on: painted, described in words, and read
 * back from pixels.
 *
 * <p>Colours, shapes and sentences are those of the demo's recipe, {@code weights/demo/recipe}.
 * Places and sizes are shares of the picture's width.
 */
package dev.blip3o.training.scenes;
