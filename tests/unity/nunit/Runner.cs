using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using NUnit.Framework.Api;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

namespace DialogueServer.Tests
{
    /// <summary>
    /// Runs the tests of this assembly and prints one line for each:
    /// "passed|failed|skipped NAME", the failure's text indented, and last "N passed, N failed".
    /// Arguments are full names, or parts of them, of the tests to run; none means all.
    /// </summary>
    public static class Runner
    {
        // NUnit redirects the console while a test runs.
        private static readonly TextWriter Output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };

        public static int Main(string[] arguments)
        {
            var runner = new NUnitTestAssemblyRunner(new DefaultTestAssemblyBuilder());
            var settings = new Dictionary<string, object> { ["NumberOfTestWorkers"] = 0 };
            runner.Load(Assembly.GetExecutingAssembly(), settings);
            ITestResult result = runner.Run(new Listener(), new NameFilter(arguments));
            Output.WriteLine(result.PassCount + " passed, " + result.FailCount + " failed");
            return result.FailCount == 0 && result.PassCount > 0 ? 0 : 1;
        }

        private sealed class NameFilter : TestFilter
        {
            private readonly string[] _names;

            public NameFilter(string[] names) => _names = names;

            public override bool Match(ITest test) =>
                !test.IsSuite && (_names.Length == 0 || _names.Any(name => test.FullName.Contains(name)));

            public override bool Pass(ITest test, bool negated) => Matches(test);

            public override bool IsExplicitMatch(ITest test) => Matches(test);

            private bool Matches(ITest test) => test.IsSuite ? test.Tests.Any(Matches) : Match(test);

            public override TNode AddToXml(TNode parentNode, bool recursive) => parentNode;
        }

        private sealed class Listener : ITestListener
        {
            public void TestStarted(ITest test)
            {
            }

            public void TestFinished(ITestResult result)
            {
                if (result.Test.IsSuite && result.ResultState.Site != FailureSite.SetUp) return;
                string status = result.ResultState.Status.ToString().ToLowerInvariant();
                Output.WriteLine(status + " " + result.Test.FullName + " " + (int)(result.Duration * 1000) + " ms");
                string trace = result.ResultState.Status == TestStatus.Failed ? result.StackTrace : null;
                foreach (string text in new[] { result.Output, result.Message, trace })
                    if (!string.IsNullOrWhiteSpace(text))
                        Output.WriteLine("    " + text.Trim().Replace("\n", "\n    "));
            }

            public void TestOutput(TestOutput output)
            {
            }

            public void SendMessage(TestMessage message)
            {
            }
        }
    }
}
