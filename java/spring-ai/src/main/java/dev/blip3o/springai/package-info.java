/** BLIP3o-NEXT as an image model of Spring AI. */
package dev.blip3o.springai;
