using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace DialogueServer.Tests
{
    /// <summary>What the environment says about the machine that the tests run on.</summary>
    internal static class Rig
    {
        public static string ServerUrl => Required("TEST_SERVER_URL");

        /// <summary>A server that demands a ticket.</summary>
        public static string GuardedUrl => Required("TEST_GUARDED_URL");

        /// <summary>One for it, of the player "ann".</summary>
        public static string Ticket => Required("TEST_TICKET");

        public static string Required(string name) => Environment.GetEnvironmentVariable(name)
            ?? throw new InvalidOperationException(name + " is not set: run these tests by pytest tests/unity");
    }

    /// <summary>
    /// A server process of the test's own, on one port for its whole life, to be killed and
    /// started again.
    /// </summary>
    internal sealed class ServerProcess : IDisposable
    {
        private readonly int _port = FreePort();
        private Process _process;

        public string Url => "ws://127.0.0.1:" + _port;

        public void Start()
        {
            string[] command = Rig.Required("TEST_SERVE_COMMAND").Split('\n');
            var arguments = new List<string>();
            for (int index = 1; index < command.Length; index++) arguments.Add("\"" + command[index] + "\"");
            arguments.Add("--port " + _port);
            _process = new Process
            {
                StartInfo = new ProcessStartInfo(command[0], string.Join(" ", arguments))
                {
                    UseShellExecute = false,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                },
            };
            // Set for this runtime, not for that process.
            _process.StartInfo.EnvironmentVariables.Remove("LD_LIBRARY_PATH");
            var ready = new ManualResetEventSlim();
            var said = new List<string>();
            DataReceivedEventHandler look = (_, line) =>
            {
                if (line.Data == null) return;
                lock (said) said.Add(line.Data);
                if (line.Data.Contains("server.ready")) ready.Set();
            };
            _process.OutputDataReceived += look;
            _process.ErrorDataReceived += look;
            _process.Start();
            _process.BeginOutputReadLine();
            _process.BeginErrorReadLine();
            if (!ready.Wait(20000)) 
                lock (said) throw new InvalidOperationException("the server did not start:\n" + string.Join("\n", said));
        }

        public void Kill()
        {
            if (_process == null) return;
            try
            {
                _process.Kill();
                _process.WaitForExit(5000);
            }
            catch (InvalidOperationException)
            {
                // It is gone already.
            }
            _process = null;
        }

        public void Dispose() => Kill();

        internal static int FreePort()
        {
            var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            int port = ((IPEndPoint)listener.LocalEndpoint).Port;
            listener.Stop();
            return port;
        }
    }

    /// <summary>Stands between client and server: cuts connections, or swallows what comes.</summary>
    internal sealed class Proxy : IDisposable
    {
        private readonly TcpListener _listener = new TcpListener(IPAddress.Loopback, 0);
        private readonly List<TcpClient> _clients = new List<TcpClient>();
        private readonly int _target;

        public Proxy(string url)
        {
            _target = new Uri(url).Port;
            _listener.Start();
            Task.Run(AcceptAsync);
        }

        public string Url => "ws://127.0.0.1:" + ((IPEndPoint)_listener.LocalEndpoint).Port;

        /// <summary>Nothing passes any more in either direction, but the connections stay.</summary>
        public volatile bool Swallow;

        /// <summary>New connections are cut at once.</summary>
        public volatile bool Refuse;

        /// <summary>Cuts every connection in the middle of whatever it does.</summary>
        public void Cut()
        {
            lock (_clients)
            {
                foreach (TcpClient client in _clients)
                {
                    client.LingerState = new LingerOption(true, 0);
                    client.Close();
                }
                _clients.Clear();
            }
        }

        public void Dispose()
        {
            _listener.Stop();
            Cut();
        }

        private async Task AcceptAsync()
        {
            try
            {
                while (true)
                {
                    TcpClient near = await _listener.AcceptTcpClientAsync();
                    if (Refuse)
                    {
                        near.Close();
                        continue;
                    }
                    var far = new TcpClient();
                    await far.ConnectAsync(IPAddress.Loopback, _target);
                    near.NoDelay = far.NoDelay = true;
                    lock (_clients)
                    {
                        _clients.Add(near);
                        _clients.Add(far);
                    }
                    _ = CopyAsync(near.GetStream(), far.GetStream());
                    _ = CopyAsync(far.GetStream(), near.GetStream());
                }
            }
            catch (Exception)
            {
                // The listener was stopped.
            }
        }

        private async Task CopyAsync(NetworkStream from, NetworkStream to)
        {
            var buffer = new byte[16384];
            try
            {
                int count;
                while ((count = await from.ReadAsync(buffer, 0, buffer.Length)) > 0)
                    if (!Swallow) await to.WriteAsync(buffer, 0, count);
            }
            catch (Exception)
            {
                // Cut.
            }
        }
    }
}
