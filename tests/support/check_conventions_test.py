"""cmake/check_conventions.py finds a planted violation of every rule, and nothing in what only looks like one."""

import unittest

from planted import check, expect_every_violation

CLEAN = {
    "libdcgan/src/store/hdf5.h": "namespace dcgan::hdf5 {\nvoid read(Place at, int64_t first, int64_t count, float* rows, "
                                 "const std::string& name);\n}\n",
    "libdcgan/src/store/model.cpp": "namespace dcgan {\nvoid save(const std::map<int, int>& a, B b, C c, D d) {}\n}\n",
    "data/folder.cpp": "namespace dcgan::data {\nImages images(a, b, c, d, e, f);\nint x = call(a, b, c, d, e);\n"
                       "// void f(A a, B b, C c, D d, E e);\n}\n",
    "tools/cli/words.h": "namespace dcgan::cli {\nvoid f(void (*g)(A, B, C, D, E), A a);  \n}\n",
    "tools/shared/images.h": "namespace dcgan::tools {\n}\n",
    "tools/eval/main.cpp": "namespace dcgan::eval_tool {\n}\nint main() {\n  return 0;\n}\n",
}
PLANTED = [
    ("libdcgan/src/store/model.cpp", "void f(const A& a, B b, C c, D d, E e);", "f() takes 5 arguments"),
    ("libdcgan/src/store/model.cpp", "namespace dcgan::train {", "namespace dcgan::train is not that of its folder"),
    ("data/folder.cpp", "namespace dcgan::eval {", "namespace dcgan::eval"),
    ("tools/eval/main.cpp", "namespace dcgan::tools {", "namespace dcgan::tools"),
    ("tools/cli/words.h", "void f(const A& a, B b, std::map<C, C> c, D d, E* e);", "f() takes 5 arguments"),
    ("tools/cli/words.h", "  int f(A a, B b, C c, D d, int64_t n, float x) const {", "f() takes 5 arguments"),
    ("tools/shared/images.h", "void Reader::f(A a, B b, C c, D d, E e) {}", "Reader::f() takes 5 arguments"),
    ("tools/shared/images.h", "int main(int argc, char** argv) {\n" + "  work();\n" * 39 + "}", "more than 40 lines"),
]


class CheckConventions(unittest.TestCase):
    def test_accepts_a_clean_tree(self):
        result = check("check_conventions.py", CLEAN)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_finds_every_planted_violation_and_names_file_and_line(self):
        expect_every_violation(self, "check_conventions.py", CLEAN, PLANTED)

    def test_takes_a_reason_on_the_line(self):
        line = "void f(A a, B b, C c, D d, E e);  // arguments: a callback of libcurl\n"
        tree = {**CLEAN, "data/folder.cpp": CLEAN["data/folder.cpp"] + line}
        self.assertEqual(check("check_conventions.py", tree).returncode, 0)
