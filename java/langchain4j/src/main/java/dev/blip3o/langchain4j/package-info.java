/**
 * Picture generation and editing with BLIP3o-NEXT as an image model of LangChain4j.
 *
 * <p>{@link dev.blip3o.langchain4j.Blip3oImageModel} is the model, {@link
 * dev.blip3o.langchain4j.Blip3oImageOptions} what its calls may say beyond their prompt.
 */
package dev.blip3o.langchain4j;
