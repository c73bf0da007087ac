#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace dcgan::explore_tool {

struct Request {
  std::string method;  ///< "GET"
  std::string path;    ///< below the secret part of the address, "samples.png"; empty: the page
  std::string body;
};

struct Response {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

/// Serves one page to a browser on this machine: on the loopback address only, below a random word that only who has
/// the address knows. Requests that call the machine otherwise are refused, so that no other page can lead a browser
/// here under a name of its own.
class LocalServer {
 public:
  using Answer = std::function<Response(const Request&)>;

  /// Takes the port. @param port  0: any that is free   @param answer  called from run()
  /// @throws Error where it cannot be taken
  LocalServer(int64_t port, Answer answer);
  ~LocalServer();
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;

  const std::string& address() const;  ///< "http://127.0.0.1:40123/5f3a.../"
  /// Serves until `done` says so, which is asked a few times a second; what was answered is sent before that.
  void run(const std::function<bool()>& done);

 private:
  struct Connections;
  std::unique_ptr<Connections> connections_;
};

}  // namespace dcgan::explore_tool
