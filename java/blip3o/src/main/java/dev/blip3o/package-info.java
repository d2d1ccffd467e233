/**
 * Pictures from text, and edited pictures, with BLIP3o-NEXT on the JVM. Start at {@link
 * dev.blip3o.Blip3oModel}.
 *
 * <p>Priorities, highest first:
 *
 * <ol>
 *   <li>Correct: the pictures are those of the reference, whatever else runs beside them.
 *   <li>Safe: no misuse of this package crashes the JVM. Handles close once, also while in use and
 *       when forgotten; values are immutable and own their memory, or keep its owner; who shares
 *       memory of their own with a value promises not to change it.
 *   <li>Fast: the hot path is native. Java tokenises once, submits once, hears one event per token,
 *       step or part of the encoders and the decoder, and copies the result out once.
 * </ol>
 *
 * <p>The data flow has five words, here as everywhere in the project: <em>tokens</em>, <em>hidden
 * states</em>, <em>condition</em>, <em>latents</em>, <em>pixels</em>. Shape letters: T prompt ids,
 * N image tokens, H hidden size, M rows of the condition, C caption size, c latent channels, [h, w]
 * latent grid, R reference pictures.
 *
 * <p>Thread rules: a {@link dev.blip3o.Blip3oModel} and its {@link dev.blip3o.Stages} may be used
 * by any number of threads at once; values may be shared; builders belong to one thread. No native
 * thread calls into Java: listeners run on the thread that called {@code generate} or {@code edit},
 * subscribers and dependent stages of a {@link dev.blip3o.PictureJob} on the model's executor. Who
 * waits does so in Java: a virtual thread gives its carrier away meanwhile.
 *
 * <p>Exceptions: every failure is an unchecked {@link dev.blip3o.Blip3oException}, whose subclasses
 * say who can mend it. Null arguments give {@link NullPointerException}, a closed model gives
 * {@link IllegalStateException}.
 */
package dev.blip3o;
