using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using UnityEngine;

namespace DialogueServer.Transport
{
    /// <summary>
    /// Takes the place of the package's WebGLSocket.cs in tests: the same functions, called in
    /// page.js, where the real DialogueSocket.jslib runs. Callbacks come between two frames, on the
    /// main thread, as in a browser.
    /// </summary>
    public static class WebGLSocket
    {
        public delegate void OpenedCallback(int id);

        public delegate void ReceivedCallback(int id, IntPtr bytes, int length);

        public delegate void ClosedCallback(int id, int code, string reason);

        private static readonly ConcurrentQueue<Dictionary<string, string>> Events =
            new ConcurrentQueue<Dictionary<string, string>>();
        private static readonly BlockingCollection<int> Returned = new BlockingCollection<int>();
        private static Process _page;
        private static OpenedCallback _opened;
        private static ReceivedCallback _received;
        private static ClosedCallback _closed;

        public static int Open(
            string url, string subprotocol, OpenedCallback opened, ReceivedCallback received, ClosedCallback closed)
        {
            _opened = opened;
            _received = received;
            _closed = closed;
            Call("open", ("url", url), ("subprotocol", subprotocol));
            return Answer();
        }

        public static void Send(int id, byte[] bytes, int length) =>
            Call("send", ("id", id), ("bytes", Convert.ToBase64String(bytes, 0, length)));

        public static void Close(int id, int code, string reason) =>
            Call("close", ("id", id), ("code", code), ("reason", reason));

        /// <summary>How many sockets the library knows and how many pieces of its heap are in use.</summary>
        public static int Count()
        {
            Call("count");
            return Answer();
        }

        private static int Answer() => Returned.TryTake(out int value, 10000)
            ? value
            : throw new InvalidOperationException("the page does not answer");

        private static void Call(string name, params (string, object)[] values)
        {
            if (_page == null) Start();
            var line = new StringBuilder("{\"call\":\"" + name + "\"");
            foreach ((string key, object value) in values)
                line.Append(",\"").Append(key).Append("\":").Append(value is string text ? Quoted(text) : value.ToString());
            _page.StandardInput.Write(line.Append("}\n").ToString());
            _page.StandardInput.Flush();
        }

        private static void Start()
        {
            string[] command = Environment.GetEnvironmentVariable("TEST_PAGE_COMMAND").Split('\n');
            _page = new Process
            {
                StartInfo = new ProcessStartInfo(command[0], "\"" + string.Join("\" \"", command, 1, command.Length - 1) + "\"")
                {
                    UseShellExecute = false,
                    RedirectStandardInput = true,
                    RedirectStandardOutput = true,
                },
            };
            _page.StartInfo.EnvironmentVariables.Remove("LD_LIBRARY_PATH"); // set for this runtime
            _page.Start();
            new Thread(Read) { IsBackground = true }.Start();
            StubPlayer.BetweenFrames += Dispatch;
        }

        private static void Read()
        {
            string line;
            while ((line = _page.StandardOutput.ReadLine()) != null)
            {
                Dictionary<string, string> message = Parsed(line);
                if (message["event"] == "returned") Returned.Add(int.Parse(message["id"]));
                else Events.Enqueue(message);
            }
        }

        private static void Dispatch()
        {
            while (Events.TryDequeue(out Dictionary<string, string> message))
            {
                int id = int.Parse(message["id"]);
                switch (message["event"])
                {
                    case "opened":
                        _opened(id);
                        break;
                    case "received":
                        byte[] bytes = Convert.FromBase64String(message["bytes"]);
                        GCHandle pinned = GCHandle.Alloc(bytes, GCHandleType.Pinned);
                        _received(id, pinned.AddrOfPinnedObject(), bytes.Length);
                        Array.Clear(bytes, 0, bytes.Length); // _free
                        pinned.Free();
                        break;
                    case "closed":
                        _closed(id, int.Parse(message["code"]), message["reason"]);
                        break;
                }
            }
        }

        private static string Quoted(string text)
        {
            var quoted = new StringBuilder("\"");
            foreach (char c in text)
            {
                if (c < ' ' || c > '~' || c == '"' || c == '\\') quoted.Append("\\u").Append(((int)c).ToString("x4"));
                else quoted.Append(c);
            }
            return quoted.Append('"').ToString();
        }

        /// <summary>One flat object of strings and integers, as JSON.stringify writes it.</summary>
        private static Dictionary<string, string> Parsed(string json)
        {
            var found = new Dictionary<string, string>();
            int at = 1;
            while (json[at] != '}')
            {
                if (json[at] == ',') at++;
                string key = Token();
                at++; // the colon
                found[key] = Token();
            }
            return found;

            string Token()
            {
                var text = new StringBuilder();
                if (json[at] != '"')
                {
                    while (json[at] != ',' && json[at] != '}') text.Append(json[at++]);
                    return text.ToString();
                }
                for (at++; json[at] != '"'; at++)
                {
                    if (json[at] != '\\') text.Append(json[at]);
                    else if (json[++at] != 'u') text.Append(json[at] == 'n' ? '\n' : json[at]);
                    else
                    {
                        text.Append((char)Convert.ToInt32(json.Substring(at + 1, 4), 16));
                        at += 4;
                    }
                }
                at++;
                return text.ToString();
            }
        }
    }
}
