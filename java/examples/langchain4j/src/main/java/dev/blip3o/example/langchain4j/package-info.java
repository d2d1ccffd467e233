/** An example: a command line that draws and edits through LangChain4j. */
package dev.blip3o.example.langchain4j;
