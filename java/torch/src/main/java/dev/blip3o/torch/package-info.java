/**
 * Views between the values of a picture's stages and LibTorch's tensors, both ways and without a
 * copy: {@link dev.blip3o.torch.TensorViews}. The language model with gradients is in {@code
 * dev.blip3o.torch.model}.
 *
 * <p>LibTorch is the user's to bring: {@code org.bytedeco:pytorch} and {@code
 * org.bytedeco:openblas} with the platform's classifier, for example {@code linux-x86_64}. It is
 * loaded at the first use of this package.
 */
package dev.blip3o.torch;
