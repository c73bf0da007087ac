#include "data/lmdb_images.h"

#include <lmdb.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "data/archive.h"
#include "data/codecs.h"
#include "dcgan/errors.h"

namespace dcgan::data {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaximumImage = size_t{1} << 30;  // bytes; no image of --max-pixels needs more

// What liblmdb says of itself, or what to do where that is known.
std::string reason(int status) {
  if (status == MDB_INVALID || status == ENOENT) {
    return "is no LMDB; expected the data.mdb of LSUN, or the folder that holds it.";
  }
  if (status == MDB_VERSION_MISMATCH) {
    return "is an LMDB of another format than 0.9's; copy it with mdb_copy of the program that made it.";
  }
  return std::string("cannot be read: ") + mdb_strerror(status) + ".";
}

std::string printable(const MDB_val& bytes) {
  constexpr size_t kShown = 8;
  std::string text;
  for (size_t i = 0; i < std::min(kShown, bytes.mv_size); ++i) {
    char digits[4];
    std::snprintf(digits, sizeof digits, "%02x ", static_cast<const unsigned char*>(bytes.mv_data)[i]);
    text += digits;
  }
  return text + "...";
}

}  // namespace

struct LmdbFile::Impl {
  ~Impl() { mdb_env_close(environment); }

  void require(int status) const {
    if (status != MDB_SUCCESS) throw FileError(path, reason(status));
  }

  // A view of the file; one thread at a time.
  struct Transaction {
    explicit Transaction(const Impl& file) { file.require(mdb_txn_begin(file.environment, nullptr, MDB_RDONLY, &id)); }
    ~Transaction() { mdb_txn_abort(id); }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    MDB_txn* id = nullptr;
  };

  // Calls visit(key, value) in order of the keys until it returns false.
  template <class Visit>
  void walk(const Visit& visit) const {
    const Transaction transaction(*this);
    MDB_cursor* opened = nullptr;
    require(mdb_cursor_open(transaction.id, database, &opened));
    const std::unique_ptr<MDB_cursor, decltype(&mdb_cursor_close)> cursor(opened, mdb_cursor_close);
    MDB_val key, value;
    while (true) {
      const int status = mdb_cursor_get(cursor.get(), &key, &value, MDB_NEXT);
      if (status == MDB_NOTFOUND) return;
      require(status);
      if (!visit(key, value)) return;
    }
  }

  void check_size() const {
    MDB_envinfo info;
    MDB_stat stat;
    require(mdb_env_info(environment, &info));
    require(mdb_env_stat(environment, &stat));
    const std::uintmax_t expected = (info.me_last_pgno + 1) * stat.ms_psize;
    const std::uintmax_t found = fs::file_size(path);
    if (found >= expected) return;  // a page that is not there would end the program with SIGBUS
    throw FileError(path, found, " bytes, expected at least ", expected, "; it was cut short, fetch it again.");
  }

  void check_kind() const {
    constexpr int kLooked = 16;  // one broken image shall not hide the others
    std::string first;
    int looked = 0;
    bool images = false;
    walk([&](const MDB_val& key, const MDB_val& value) {
      images = image_format({static_cast<const uint8_t*>(value.mv_data), value.mv_size}) != ImageFormat::kNone;
      if (first.empty()) {
        first = "of key \"" + std::string(static_cast<const char*>(key.mv_data), key.mv_size) + "\" starts with " +
                printable(value);
      }
      return !images && ++looked < kLooked;
    });
    if (images) return;
    throw FileError(path, first.empty() ? "is an LMDB without entries."
                                        : "is an LMDB of another kind: the value " + first +
                                              ", expected image files (LSUN has WebP) as values.");
  }

  std::string path;
  MDB_env* environment = nullptr;
  MDB_dbi database = 0;
};

LmdbFile::LmdbFile(const std::string& path) : impl_(std::make_unique<Impl>()) {
  Impl& file = *impl_;
  file.path = fs::is_directory(path) ? (fs::path(path) / "data.mdb").string() : path;
  file.require(mdb_env_create(&file.environment));
  // No lock: that would write a lock.mdb beside a data set that may lie on a read-only disk.
  file.require(
      mdb_env_open(file.environment, file.path.c_str(), MDB_RDONLY | MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS, 0));
  file.check_size();
  {
    const Impl::Transaction transaction(file);
    file.require(mdb_dbi_open(transaction.id, nullptr, 0, &file.database));
  }
  file.check_kind();
}

LmdbFile::~LmdbFile() = default;
LmdbFile::LmdbFile(LmdbFile&&) noexcept = default;

std::vector<std::string> LmdbFile::keys() const {
  std::vector<std::string> keys;
  impl_->walk([&](const MDB_val& key, const MDB_val&) {
    keys.emplace_back(static_cast<const char*>(key.mv_data), key.mv_size);
    return true;
  });
  return keys;
}

std::vector<DecodedImage> LmdbFile::load(const ImageList& list, int64_t first, int64_t count,
                                         const DecodeOptions& options) const {
  const Impl::Transaction transaction(*impl_);
  std::vector<DecodedImage> images(count);
  for (DecodedImage& image : images) {
    std::string key = list.paths[first++];
    MDB_val name{key.size(), key.data()};
    MDB_val value;
    const int status = mdb_get(transaction.id, impl_->database, &name, &value);
    if (status != MDB_SUCCESS) {
      image.failure = status == MDB_NOTFOUND ? "is no key of the LMDB" : mdb_strerror(status);
    } else if (value.mv_size > kMaximumImage) {
      image.failure = "has more than 1 GiB";
    } else {
      image = decode_image(static_cast<const uint8_t*>(value.mv_data), value.mv_size, options);
    }
  }
  return images;
}

std::string LmdbImages::description() const {
  return nlohmann::ordered_json({{"kind", "image files in an LMDB"},
                                 {"decoder", nlohmann::ordered_json::parse(decoder_description(options()))}})
      .dump();
}

bool is_lmdb(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return fs::exists(fs::path(path) / "data.mdb", error);
  if (fs::path(path).extension() == ".mdb") return true;
  // The first page begins with 16 bytes of its own (lmdb.h, "mdb_env_copy"; mdb.c, MDB_MAGIC), in the machine's order.
  constexpr size_t kMagicAt = 16;
  const std::vector<uint8_t> bytes = first_bytes_of(path);
  return ByteView{bytes.data(), bytes.size()}.starts_with("\xDE\xC0\xEF\xBE", kMagicAt);
}

}  // namespace dcgan::data
