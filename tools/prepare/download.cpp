#include "tools/prepare/download.h"

#include <curl/curl.h>
#include <nettle/base16.h>
#include <nettle/md5.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/output_files.h"

namespace dcgan::prepare_tool {
namespace {

namespace fs = std::filesystem;

constexpr int kMostFailures = 5;  // in a row
constexpr long kConnectSeconds = 30;
constexpr long kSilenceSeconds = 60;

std::string md5_of(const std::string& path) {
  md5_ctx hash;
  md5_init(&hash);
  std::ifstream file(path, std::ios::binary);
  std::vector<char> block(size_t{1} << 20);
  while (file) {
    file.read(block.data(), block.size());
    md5_update(&hash, file.gcount(), reinterpret_cast<const uint8_t*>(block.data()));
  }
  if (!file.eof()) throw FileError(path, "cannot be read.");
  std::array<uint8_t, MD5_DIGEST_SIZE> digest{};
  md5_digest(&hash, digest.size(), digest.data());
  std::string text(BASE16_ENCODE_LENGTH(digest.size()), '\0');
  base16_encode_update(text.data(), digest.size(), digest.data());
  return text;
}

// One request: what comes is appended to a file.
class Transfer {
 public:
  Transfer(const RemoteFile& remote, const std::string& path, const DownloadCalls& calls)
      : calls_(calls),
        begin_(fs::exists(path) ? static_cast<int64_t>(fs::file_size(path)) : 0),
        curl_(curl_easy_init()) {
    file_ = std::fopen(path.c_str(), "ab");
    if (file_ == nullptr) throw FileError(path, "cannot be written: ", std::strerror(errno), ".");
    set(CURLOPT_URL, remote.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_FAILONERROR, 1L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_USERAGENT, "libdcgan");
    set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, kSilenceSeconds);
    set(CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(begin_));
    set(CURLOPT_WRITEFUNCTION, &Transfer::write);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_XFERINFOFUNCTION, &Transfer::report);
    set(CURLOPT_XFERINFODATA, this);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_ERRORBUFFER, error_.data());
  }
  ~Transfer() {
    if (file_ != nullptr) std::fclose(file_);
    curl_easy_cleanup(curl_);
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  CURLcode run() {
    const CURLcode code = curl_easy_perform(curl_);
    if (thrown_) std::rethrow_exception(thrown_);
    const int closed = std::fclose(file_);
    file_ = nullptr;
    return code == CURLE_OK && closed != 0 ? CURLE_WRITE_ERROR : code;
  }
  long http_status() const {
    long status = 0;
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
    return status;
  }
  int64_t received() const { return received_; }
  std::string reason(CURLcode code) const { return error_[0] != 0 ? error_.data() : curl_easy_strerror(code); }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(curl_, option, value);
  }

  static size_t write(const char* bytes, size_t size, size_t count, void* self) {
    auto* transfer = static_cast<Transfer*>(self);
    const size_t written = std::fwrite(bytes, size, count, transfer->file_);
    transfer->received_ += static_cast<int64_t>(written * size);
    return written * size;
  }

  static int report(void* self, curl_off_t total, curl_off_t done, curl_off_t, curl_off_t) {  // arguments: libcurl's
    auto* transfer = static_cast<Transfer*>(self);
    try {  // no exception may cross libcurl
      if (transfer->calls_.on_bytes) {
        transfer->calls_.on_bytes(transfer->begin_ + done, total > 0 ? transfer->begin_ + total : 0);
      }
      return 0;
    } catch (...) {
      transfer->thrown_ = std::current_exception();
      return 1;
    }
  }

  const DownloadCalls& calls_;
  int64_t begin_;
  int64_t received_ = 0;
  CURL* curl_;
  std::FILE* file_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_{};
  std::exception_ptr thrown_;
};

bool can_pass(CURLcode code, long http_status) {
  constexpr long kServerErrors = 500;
  return code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
         code == CURLE_GOT_NOTHING || code == CURLE_OPERATION_TIMEDOUT || code == CURLE_HTTP2_STREAM ||
         (code == CURLE_HTTP_RETURNED_ERROR && http_status >= kServerErrors);
}

void fetch(const RemoteFile& remote, const std::string& partial, const DownloadCalls& calls) {
  for (int failures = 0;;) {
    Transfer transfer(remote, partial, calls);
    const CURLcode code = transfer.run();
    const long status = transfer.http_status();
    if (code == CURLE_OK) return;
    constexpr long kRangeNotSatisfiable = 416;  // nothing is left to send, or the file there is another one
    if (code == CURLE_HTTP_RETURNED_ERROR && status == kRangeNotSatisfiable && !remote.md5.empty()) return;
    if (code == CURLE_RANGE_ERROR || status == kRangeNotSatisfiable) {
      calls.on_message(remote.url + ": the server cannot go on in the middle of a file; starting again.");
      fs::remove(partial);
      if (++failures > kMostFailures) throw FileError(remote.url, "cannot be resumed; fetch it by other means.");
      continue;
    }
    if (code == CURLE_WRITE_ERROR) {
      throw FileError(partial,
                      "cannot be written; is the disk full? What is there is kept: run the same command again.");
    }
    failures = transfer.received() > 0 ? 1 : failures + 1;
    if (!can_pass(code, status) || failures > kMostFailures) {
      const std::string hint =
          code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT ? "; is there a network? " : "; ";
      throw FileError(remote.url, transfer.reason(code), hint,
                      "--mirror names another address, and running the same command again goes on "
                      "with what has come.");
    }
    calls.on_message(remote.url + ": " + transfer.reason(code) + "; trying again.");
    std::this_thread::sleep_for(std::chrono::milliseconds(200 * failures));
  }
}

}  // namespace

bool download(const RemoteFile& file, const std::string& path, const DownloadCalls& calls) {
  const std::string target = output_target(path);
  if (fs::exists(target)) {
    const std::string found = file.md5.empty() ? "" : md5_of(target);
    if (found == file.md5) return false;
    throw FileError(target, "is there, but its MD5 is ", found, ", expected ", file.md5,
                    "; remove it to fetch it anew.");
  }
  const std::string partial = target + ".partial";
  fetch(file, partial, calls);
  if (!file.md5.empty()) {
    const std::string found = md5_of(partial);
    if (found != file.md5) {
      fs::remove(partial);
      throw FileError(file.url, "the MD5 of what came is ", found, ", expected ", file.md5,
                      "; it is removed. Is this the right file? --mirror names another address.");
    }
  }
  fs::rename(partial, target);
  return true;
}

}  // namespace dcgan::prepare_tool
