package dev.blip3o.server;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Packages of the server point down, and only the upper ones know of HTTP. */
@AnalyzeClasses(
    packages = "dev.blip3o.server",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String[] PURE = {
    "dev.blip3o.server.openai",
    "dev.blip3o.server.limits",
    "dev.blip3o.server.pictures",
    "dev.blip3o.server.health"
  };

  @ArchTest
  static final ArchRule ONLY_HTTP_KNOWS_HTTP =
      noClasses()
          .that()
          .resideInAnyPackage(PURE)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.vertx..", "io.netty..", "dev.blip3o.server.http");

  @ArchTest
  static final ArchRule NOTHING_KNOWS_THE_SERVER_ABOVE_IT =
      noClasses()
          .that()
          .resideInAPackage("dev.blip3o.server.*")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.blip3o.server");

  @ArchTest
  static final ArchRule UPLOADS_NEVER_TOUCH_THE_DISK =
      noClasses()
          .that()
          .resideInAnyPackage(
              "dev.blip3o.server.http", "dev.blip3o.server.openai", "dev.blip3o.server.pictures")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("java.nio.file..", "io.vertx.core.file..")
          .orShould()
          .dependOnClassesThat()
          .haveFullyQualifiedName("java.io.File");

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
