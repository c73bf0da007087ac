// usage: trainer IMAGES.h5 RUN
//
// Trains the networks that tests/support/programs.py calls NARROW for two steps, as dcgan-train does.
#include <dcgan/trainer.h>

#include <exception>
#include <iostream>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: trainer IMAGES.h5 RUN\n";
    return 2;
  }
  try {
    dcgan::TrainingRun run;
    run.folder = argv[2];
    run.architecture = dcgan::published_architecture("imagenet32");
    run.architecture.ndf = run.architecture.ngf = 4;
    run.architecture.nz = 8;
    run.options.steps = 2;
    run.options.batch_size = 16;
    run.threads = 1;
    run.data_source = "images.h5";
    dcgan::TrainObserver observer;
    observer.on_step = [](int64_t done, int64_t total) { std::cout << "step " << done << " of " << total << "\n"; };
    return dcgan::run_training(run, dcgan::PackedImageReader(argv[1]), observer) == 2 ? 0 : 1;
  } catch (const std::exception& e) {
    std::cerr << "error: " << e.what() << "\n";
    return 1;
  }
}
