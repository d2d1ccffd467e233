/** Picture generation and editing with BLIP3o-NEXT as an image model of LangChain4j. */
package dev.blip3o.langchain4j;
