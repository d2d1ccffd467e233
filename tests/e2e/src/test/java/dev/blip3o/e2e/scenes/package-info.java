/**
 * What the demo's edits must show, and how many pictures of each kind are right. Scenes themselves
 * are of {@code dev.blip3o.training.scenes}.
 */
package dev.blip3o.e2e.scenes;
