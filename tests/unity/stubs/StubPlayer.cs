// The game loop that drives the stubs: one thread, frame by frame.
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Reflection;
using System.Threading;

namespace UnityEngine
{
    public static class StubPlayer
    {
        private static readonly List<Object> Doomed = new List<Object>();
        private static readonly Stopwatch Clock = Stopwatch.StartNew();
        private static double _skipped;
        private static double _lastFrame;
        private static Thread _main;
        private static FrameContext _context;
        internal static readonly List<GameObject> Objects = new List<GameObject>();

        /// <summary>What a browser does between two frames.</summary>
        public static event Action BetweenFrames;

        /// <summary>Seconds since the start, also within a frame.</summary>
        internal static double Now => Clock.Elapsed.TotalSeconds + _skipped;

        /// <summary>Enters play mode on this thread: statics that want it are reset first.</summary>
        public static void Start(params Assembly[] assemblies)
        {
            _main = Thread.CurrentThread;
            _context = new FrameContext();
            SynchronizationContext.SetSynchronizationContext(_context);
            Debug.Lines.Clear();
            Time.timeScale = 1f;
            foreach (Assembly assembly in assemblies)
                foreach (MethodInfo method in assembly.GetTypes().SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)))
                    if (method.GetCustomAttribute<RuntimeInitializeOnLoadMethodAttribute>() != null) method.Invoke(null, null);
        }

        /// <summary>Leaves play mode: everything is destroyed.</summary>
        public static void Stop()
        {
            foreach (GameObject gameObject in Objects.ToArray()) DestroyNow(gameObject);
            _context?.Run();
            SynchronizationContext.SetSynchronizationContext(null);
        }

        /// <summary>Another scene is loaded: what does not want to stay is destroyed.</summary>
        public static void LoadScene()
        {
            foreach (GameObject gameObject in Objects.ToArray())
                if (gameObject.transform.parent == null && !gameObject.KeptBetweenScenes) DestroyNow(gameObject);
        }

        /// <summary>One frame, as the clock on the wall has it, or of a given length.</summary>
        public static void Frame(float seconds = float.NaN)
        {
            AssertMainThread();
            BetweenFrames?.Invoke();
            double now = Now;
            Time.Delta = float.IsNaN(seconds) ? (float)Math.Min(0.3, now - _lastFrame) : seconds;
            _lastFrame = now;
            List<MonoBehaviour> behaviours = Running();
            foreach (MonoBehaviour behaviour in behaviours)
            {
                if (behaviour.Started || !behaviour.isActiveAndEnabled) continue;
                behaviour.Started = true;
                behaviour.Message("Start");
            }
            _context.Run();
            foreach (MonoBehaviour behaviour in behaviours)
                if (behaviour.isActiveAndEnabled) behaviour.Message("Update");
            foreach (MonoBehaviour behaviour in behaviours)
                if (behaviour.isActiveAndEnabled) behaviour.Message("LateUpdate");
            foreach (Object doomed in Doomed.ToArray()) DestroyNow(doomed);
            Doomed.Clear();
        }

        /// <summary>The next frame comes so many seconds later, as far as the game can tell.</summary>
        public static void SkipTime(double seconds) => _skipped += seconds;

        /// <summary>Every component of a kind that there is, in the order of their making.</summary>
        public static T[] All<T>() => Objects.SelectMany(gameObject => gameObject.Behaviours).OfType<T>().ToArray();

        /// <summary>Frames until the condition holds; false when it did not within the time.</summary>
        public static bool Until(Func<bool> condition, double seconds = 10)
        {
            double end = Clock.Elapsed.TotalSeconds + seconds;
            while (!condition())
            {
                if (Clock.Elapsed.TotalSeconds > end) return false;
                Frame();
                Thread.Sleep(1);
            }
            return true;
        }

        public static void AssertMainThread()
        {
            if (_main != null && Thread.CurrentThread != _main)
                throw new InvalidOperationException("Unity was called from another thread than the main one.");
        }

        internal static void DestroyLater(Object target)
        {
            AssertMainThread();
            Doomed.Add(target);
        }

        private static void DestroyNow(Object target)
        {
            if (target is MonoBehaviour behaviour)
            {
                if (!behaviour.Destroyed) behaviour.DestroyNow();
                return;
            }
            if (target is GameObject gameObject)
            {
                if (gameObject.Destroyed) return;
                foreach (Transform child in gameObject.transform.Children.ToArray()) DestroyNow(child.gameObject);
                gameObject.transform.SetParent(null, false);
                foreach (MonoBehaviour part in gameObject.Behaviours.ToArray()) part.DestroyNow();
                Objects.Remove(gameObject);
            }
            target.Destroyed = true;
        }

        private static List<MonoBehaviour> Running() => Objects.SelectMany(gameObject => gameObject.Behaviours)
            .OrderBy(behaviour => behaviour.GetType().GetCustomAttribute<DefaultExecutionOrder>()?.order ?? 0)
            .ToList();

        /// <summary>Runs what was posted, once a frame, on the main thread.</summary>
        private sealed class FrameContext : SynchronizationContext
        {
            private readonly ConcurrentQueue<Action> _posts = new ConcurrentQueue<Action>();

            public override void Post(SendOrPostCallback callback, object state) => _posts.Enqueue(() => callback(state));

            public override void Send(SendOrPostCallback callback, object state) => throw new NotSupportedException();

            public void Run()
            {
                for (int count = _posts.Count; count > 0 && _posts.TryDequeue(out Action post); count--) post();
            }
        }
    }
}
