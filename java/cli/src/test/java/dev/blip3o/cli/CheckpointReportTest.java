package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class CheckpointReportTest {
  private static final String PARTS =
      """
      "parts": [
        {"name": "language model", "tensors": 46, "parameters": 1000000, "bytes": 2000000,
         "dtypes": ["BF16"]},
        {"name": "autoencoder", "tensors": 4, "parameters": 500, "bytes": 2000,
         "dtypes": ["BF16", "F32"]}]
      """;

  private static CheckpointReport report(String json) {
    try {
      return new CheckpointReport(new JsonMapper().readTree(json));
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  private static String text(CheckpointReport report) {
    StringWriter text = new StringWriter();
    report.print(new PrintWriter(text, true), true);
    return text.toString();
  }

  @Test
  void aCompleteCheckpointIsSummedUp() {
    CheckpointReport report =
        report(
            """
            {"directory": "demo", "complete": true, "config": {"hidden_size": 128}, %s,
             "problems": [],
             "unused": [{"name": "head\\u001b[2J", "dtype": "F32", "shape": [2, 3], "bytes": 24}]}
            """
                .formatted(PARTS));
    String text = text(report);
    assertTrue(report.complete());
    assertTrue(text.contains("Checkpoint demo"), text);
    assertTrue(text.matches("(?s).*hidden_size +128\n.*"), text);
    assertTrue(text.matches("(?s).*language model +46 +1,000,000 +1.9 MiB  BF16\n.*"), text);
    assertTrue(text.matches("(?s).*all +50 +1,000,500 +1.9 MiB.*"), text);
    assertTrue(text.contains("Not needed: 1 tensor\n  head [2J  F32 [2, 3], 24 B"), text);
    assertTrue(text.contains("Complete: everything needed is there, and every value is"), text);
  }

  @Test
  void memoryIsAddedUp() {
    String text =
        text(
            report(
                """
                {"memory": {"device": "cuda", "tensors": "as in the files", "problem": "",
                 "weights": 4096, "constants": 1024, "slab": 2048, "workspace": 512, "scratch": 512,
                 "arena": 137216, "requests": 64, "prompts": 4096}}
                """));
    assertTrue(text.contains("Memory on the device cuda, with tensors as in the files\n"), text);
    assertTrue(text.matches("(?s).*  weights, packed for it +4.0 KiB\n.*"), text);
    assertTrue(text.matches("(?s).*  slab of each request, .* +2.0 KiB\n.*"), text);
    assertTrue(text.matches("(?s).*  all, for one request +8.0 KiB\n.*"), text);
    assertTrue(
        text.matches("(?s).*  arena: all but the weights, for 64 requests +134.0 KiB\n.*"), text);
    assertFalse(text(report("{}")).contains("Memory on"));
  }

  @Test
  void memoryThatIsNotKnownSaysWhy() {
    String text = text(report("{\"memory\": {\"device\": \"cuda\", \"problem\": \"no config\"}}"));
    assertTrue(text.contains("  not known: no config\n"), text);
    assertFalse(text.contains("all, for one request"), text);
  }

  @Test
  void problemsAreListed() {
    CheckpointReport report =
        report(
            """
            {"directory": "demo", "complete": false, %s, "problems": ["no a", "no b"]}
            """
                .formatted(PARTS));
    assertFalse(report.complete());
    assertEquals("no a (and 1 more problem)", report.firstProblem());
    assertTrue(text(report).contains("Not usable: 2 problems\n  no a\n  no b\n"), text(report));
  }

  @Test
  void aProblemAloneMakesItUnusable() {
    assertFalse(report("{\"complete\": true, \"problems\": [\"NaN\"]}").complete());
    assertFalse(report("{}").complete());
  }

  @Test
  void whatPicturesAreGoodForIsSaid() {
    String text =
        text(
            report(
                """
                {"complete": true, "problems": [], "capabilities": {
                  "reference_tokens": {"available": false, "lacks": "no\\nSigLIP"},
                  "reference_latents": {"available": true, "lacks": ""},
                  "editing": {"available": false, "lacks": "no connector"}}}
                """));
    assertTrue(
        text.contains(
            """
            Pictures as input
              image tokens of a picture    no: no SigLIP
              image to image               yes
              editing                      no: no connector
            """),
        text);
    assertFalse(text(report("{}")).contains("Pictures as input"));
  }
}
