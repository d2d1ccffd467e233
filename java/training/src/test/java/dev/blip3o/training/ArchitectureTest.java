package dev.blip3o.training;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Who may know whom: what only scores, reads or reports never loads LibTorch. */
@AnalyzeClasses(
    packages = "dev.blip3o.training",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String[] WITHOUT_LIBTORCH = {
    "dev.blip3o.training.prompts",
    "dev.blip3o.training.scenes",
    "dev.blip3o.training.rewards",
    "dev.blip3o.training.report",
    "dev.blip3o.training.checkpoint"
  };

  @ArchTest
  static final ArchRule ONLY_WHAT_COMPUTES_KNOWS_LIBTORCH =
      noClasses()
          .that()
          .resideInAnyPackage(WITHOUT_LIBTORCH)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.bytedeco.pytorch..", "dev.blip3o.torch..");

  @ArchTest
  static final ArchRule ONE_CLASS_KNOWS_TESSERACT =
      noClasses()
          .that()
          .doNotHaveSimpleName("TesseractReader")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.bytedeco.tesseract..", "org.bytedeco.leptonica..");

  @ArchTest
  static final ArchRule THE_MATHEMATICS_KNOWS_NO_REWARDS =
      noClasses()
          .that()
          .resideInAPackage("dev.blip3o.training.grpo")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.blip3o.training.rewards",
              "dev.blip3o.training.prompts",
              "dev.blip3o.training.scenes",
              "dev.blip3o.training.report");

  @ArchTest
  static final ArchRule NOTHING_KNOWS_THE_TRAINER_ABOVE_IT =
      noClasses()
          .that()
          .resideInAPackage("dev.blip3o.training.*")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.blip3o.training");

  @ArchTest
  static final ArchRule NOTHING_PRINTS_OR_EXITS =
      noClasses()
          .should()
          .accessField(System.class, "out")
          .orShould()
          .accessField(System.class, "err")
          .orShould()
          .callMethod(System.class, "exit", int.class);
}
