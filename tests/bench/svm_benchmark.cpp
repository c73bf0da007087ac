// The dense solver and LIBLINEAR on one feature file, interleaved: DCGAN_SVM_FEATURES names a file with labels, such as
// train4000.h5 of svm_features.py. Reading and conversion are not counted.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <optional>

#include "dcgan/feature_file.h"
#include "eval/labels.h"
#include "eval/svm/solver.h"

namespace {

using namespace dcgan;

struct FileRows : eval::RowSource {
  explicit FileRows(const std::string& path) : file(path) {}
  int64_t rows() const override { return file.rows(); }
  int64_t columns() const override { return file.feature_count(); }
  void read(int64_t first, int64_t count, float* out, int64_t pitch) const override {
    for (int64_t i = 0; i < count; ++i) file.read(first + i, 1, out + i * pitch);
  }
  FeatureFileReader file;
};

class Data {
 public:
  explicit Data(const std::string& path)
      : file_(path), matrix_(file_), labels_(eval::name_by_number(file_.file.labels())) {}
  eval::TrainingSet set() const {
    return {matrix_, eval::all_rows(matrix_.rows()), labels_.labels, static_cast<int64_t>(labels_.classes.size())};
  }

 private:
  FileRows file_;
  eval::FeatureMatrix matrix_;
  eval::NamedLabels labels_;
};

// state.range(0): threads of the dense solver; 0: LIBLINEAR.
void fit(benchmark::State& state, const eval::TrainingSet& set, double c) {
  eval::SvmOptions options;
  eval::SolverResources resources;
  resources.threads = state.range(0);
  if (state.range(0) == 0) options.solver = eval::SolverKind::kLiblinear;
  // LIBLINEAR starts every fit from zero, so its copy of the rows may be used again; the dense solver would start from
  // its last result.
  static std::map<const eval::RowSource*, std::unique_ptr<eval::SvmSolver>> liblinear;
  for (auto iteration : state) {
    (void)iteration;
    std::unique_ptr<eval::SvmSolver> dense;
    if (state.range(0) > 0) {
      dense = make_solver(set, options, resources);
    } else if (!liblinear[&set.features]) {
      liblinear[&set.features] = make_solver(set, options, resources);
    }
    const eval::SvmFit result = (dense ? dense : liblinear[&set.features])->fit(c);
    state.SetIterationTime(result.seconds);
    state.counters["primal"] = result.primal;
    if (result.has_dual) {
      state.counters["gap"] = result.gap;
      state.counters["passes"] = static_cast<double>(result.passes);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const char* path = std::getenv("DCGAN_SVM_FEATURES");
  if (!path) {
    std::cerr << "DCGAN_SVM_FEATURES is not set; it names a feature file with labels.\n";
    return 0;
  }
  const Data data(path);
  const eval::TrainingSet set = data.set();
  constexpr int kRounds = 3;
  for (int round = 1; round <= kRounds; ++round) {  // interleaved: each round runs all of them
    for (const int64_t threads : {2, 1, 0}) {
      const std::string name = threads ? "dense/" + std::to_string(threads) + "_threads" : "liblinear_s1_e0.1";
      benchmark::RegisterBenchmark((name + "/round_" + std::to_string(round)).c_str(),
                                   [&set](benchmark::State& state) { fit(state, set, 1e-4); })
          ->Arg(threads)
          ->Iterations(1)
          ->UseManualTime()
          ->Unit(benchmark::kSecond);
    }
  }
  benchmark::RunSpecifiedBenchmarks();
}
