#include "tools/explore/local_server.h"

#include <gmock/gmock.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <thread>

#include "dcgan/errors.h"

namespace dcgan::explore_tool {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

/// A server that answers with what it was asked, as long as this lives.
class Running {
 public:
  Running()
      : server_(0,
                [](const Request& request) {
                  return Response{200, "text/plain", request.method + " " + request.path + " " + request.body};
                }),
        thread_([this] { server_.run([this] { return done_.load(); }); }) {}
  ~Running() {
    done_ = true;
    thread_.join();
  }

  std::string port() const { return server_.address().substr(17, server_.address().find('/', 17) - 17); }
  std::string prefix() const { return server_.address().substr(server_.address().find('/', 17)); }
  std::string host() const { return "127.0.0.1:" + port(); }

  /// The whole answer, head and body.
  std::string ask(const std::string& path, const std::string& host) const {
    boost::asio::io_context context;
    boost::asio::ip::tcp::socket socket(context);
    socket.connect({boost::asio::ip::address_v4::loopback(), static_cast<uint16_t>(std::stoi(port()))});
    boost::asio::write(
        socket, boost::asio::buffer("PUT " + path + " HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 2\r\n\r\n[]"));
    std::string answer;
    boost::system::error_code end;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), end);
    return answer;
  }

 private:
  std::atomic<bool> done_{false};
  LocalServer server_;
  std::thread thread_;
};

TEST(LocalServer, AnswersOnlyUnderTheAddressOfThisMachineAndBelowItsSecretWord) {
  const Running page, other;
  EXPECT_THAT(page.ask(page.prefix() + "boxes.json", page.host()),
              AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("\r\n\r\nPUT boxes.json []"), HasSubstr("no-store")));
  EXPECT_THAT(page.ask(page.prefix(), "localhost:" + page.port()), StartsWith("HTTP/1.1 200 "));
  for (const std::string& host :
       {std::string("evil.example:") + page.port(), std::string("evil.example"), other.host()}) {
    EXPECT_THAT(page.ask(page.prefix(), host), StartsWith("HTTP/1.1 403 ")) << host;
  }
  EXPECT_EQ(page.prefix().size(), 34U);
  for (const std::string& path : {std::string("/"), "/boxes.json/" + page.prefix(), other.prefix()}) {
    EXPECT_THAT(page.ask(path, page.host()), StartsWith("HTTP/1.1 404 ")) << path;
  }
}

TEST(LocalServer, ListensOnOneAddressAndSaysThatItsPortIsInUse) {
  const Running page;
  const auto second = [&] { LocalServer(std::stoi(page.port()), [](const Request&) { return Response(); }); };
  EXPECT_THAT(second,
              ThrowsMessage<Error>(AllOf(HasSubstr("port " + page.port()), HasSubstr("in use"), HasSubstr("--port"))));
  boost::asio::io_context context;
  boost::asio::ip::tcp::socket socket(context);
  boost::system::error_code refused;
  socket.connect({boost::asio::ip::make_address("127.0.0.2"), static_cast<uint16_t>(std::stoi(page.port()))}, refused);
  EXPECT_EQ(refused, boost::asio::error::connection_refused) << "another address of this machine";
}

}  // namespace
}  // namespace dcgan::explore_tool
