package dev.blip3o.example.springboot;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** Starts the service; {@code application.yaml} has its settings. */
@SpringBootApplication
public class PictureService {
  /** Runs it until the process is told to end. */
  public static void main(String[] arguments) {
    SpringApplication.run(PictureService.class, arguments);
  }
}
