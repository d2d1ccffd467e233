/** A service that draws and edits pictures, by Spring Boot and Spring AI. */
package dev.blip3o.example.springboot;
