package dev.blip3o.springai;

import dev.blip3o.Blip3oModel;
import dev.blip3o.EditRequest;
import dev.blip3o.PictureRequest;
import java.util.Collections;
import java.util.List;
import org.springframework.ai.chat.metadata.DefaultUsage;
import org.springframework.ai.chat.metadata.Usage;

/** What a request takes, in tokens of the language model. */
final class Tokens {
  private Tokens() {}

  static Usage usage(Blip3oModel model, PictureRequest request) {
    int drawn = request.count() * model.info().imageTokens();
    return new DefaultUsage(promptLength(model, request), drawn);
  }

  private static int promptLength(Blip3oModel model, PictureRequest request) {
    if (request instanceof EditRequest edit) {
      // A picture takes as many tokens whatever it shows: to count them, none has to be encoded.
      List<int[]> pictures =
          Collections.nCopies(edit.references().size(), new int[model.info().imageTokens()]);
      return model.stages().editPrompt(edit.prompt(), pictures).length();
    }
    return model.stages().prompt(request.prompt()).length();
  }
}
