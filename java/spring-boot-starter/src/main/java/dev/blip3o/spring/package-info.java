/**
 * A BLIP3o-NEXT model as beans of Spring Boot. The properties are {@link
 * dev.blip3o.spring.Blip3oProperties}, the beans those of {@link
 * dev.blip3o.spring.Blip3oAutoConfiguration} and its neighbours.
 */
package dev.blip3o.spring;
