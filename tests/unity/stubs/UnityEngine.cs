// What the client uses of UnityEngine, written by hand for tests: it behaves as Unity documents it
// where the client relies on that, and throws when it is called from another thread than the main one.
using System;
using System.Collections.Generic;
using System.Reflection;
using System.Threading;

namespace UnityEngine
{
    [AttributeUsage(AttributeTargets.Field)]
    public sealed class SerializeField : Attribute
    {
    }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class TooltipAttribute : Attribute
    {
        public TooltipAttribute(string tooltip)
        {
        }
    }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class HeaderAttribute : Attribute
    {
        public HeaderAttribute(string header)
        {
        }
    }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class TextAreaAttribute : Attribute
    {
    }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class MinAttribute : Attribute
    {
        public MinAttribute(float min)
        {
        }
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class AddComponentMenu : Attribute
    {
        public AddComponentMenu(string menuName)
        {
        }
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class RequireComponent : Attribute
    {
        public RequireComponent(Type requiredComponent)
        {
        }
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class DisallowMultipleComponent : Attribute
    {
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class DefaultExecutionOrder : Attribute
    {
        public int order { get; }

        public DefaultExecutionOrder(int order) => this.order = order;
    }

    [AttributeUsage(AttributeTargets.Method)]
    public sealed class ContextMenu : Attribute
    {
        public ContextMenu(string itemName)
        {
        }
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class CreateAssetMenuAttribute : Attribute
    {
        public string menuName { get; set; }

        public string fileName { get; set; }
    }

    public enum RuntimeInitializeLoadType
    {
        AfterSceneLoad,
        BeforeSceneLoad,
        AfterAssembliesLoaded,
        BeforeSplashScreen,
        SubsystemRegistration,
    }

    [AttributeUsage(AttributeTargets.Method)]
    public sealed class RuntimeInitializeOnLoadMethodAttribute : Attribute
    {
        public RuntimeInitializeLoadType loadType { get; }

        public RuntimeInitializeOnLoadMethodAttribute(RuntimeInitializeLoadType loadType) => this.loadType = loadType;
    }

    public class Object
    {
        private string _name = "";
        internal bool Destroyed;

        public string name
        {
            get { StubPlayer.AssertMainThread(); return _name; }
            set { StubPlayer.AssertMainThread(); _name = value; }
        }

        public static void Destroy(Object target) => StubPlayer.DestroyLater(target);

        public static void DontDestroyOnLoad(Object target)
        {
            StubPlayer.AssertMainThread();
            if (target is GameObject gameObject) gameObject.KeptBetweenScenes = true;
        }

        public static bool operator ==(Object a, Object b)
        {
            bool noA = a is null || a.Destroyed;
            bool noB = b is null || b.Destroyed;
            return noA || noB ? noA == noB : ReferenceEquals(a, b);
        }

        public static bool operator !=(Object a, Object b) => !(a == b);

        public override bool Equals(object other) => ReferenceEquals(this, other);

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
    }

    public class ScriptableObject : Object
    {
        public static T CreateInstance<T>() where T : ScriptableObject, new() => new T();
    }

    public class Transform : Component
    {
        internal readonly List<Transform> Children = new List<Transform>();

        public Transform parent { get; private set; }

        public void SetParent(Transform parent, bool worldPositionStays)
        {
            StubPlayer.AssertMainThread();
            this.parent?.Children.Remove(this);
            this.parent = parent;
            parent?.Children.Add(this);
        }
    }

    public sealed class RectTransform : Transform
    {
        public Vector2 anchorMin { get; set; }

        public Vector2 anchorMax { get; set; }

        public Vector2 offsetMin { get; set; }

        public Vector2 offsetMax { get; set; }
    }

    public sealed class GameObject : Object
    {
        internal readonly List<MonoBehaviour> Behaviours = new List<MonoBehaviour>();
        internal bool KeptBetweenScenes;
        private bool _active = true;

        public GameObject(string name = "GameObject", params Type[] components)
        {
            this.name = name;
            bool flat = Array.IndexOf(components, typeof(RectTransform)) >= 0;
            transform = flat ? new RectTransform { gameObject = this } : new Transform { gameObject = this };
            StubPlayer.Objects.Add(this);
        }

        public Transform transform { get; }

        public bool activeSelf => _active;

        public bool activeInHierarchy => _active;

        public void SetActive(bool active)
        {
            StubPlayer.AssertMainThread();
            if (_active == active) return;
            _active = active;
            foreach (MonoBehaviour behaviour in Behaviours.ToArray()) behaviour.ActiveChanged();
        }

        public T AddComponent<T>() where T : Component, new()
        {
            StubPlayer.AssertMainThread();
            var component = new T { gameObject = this };
            if (component is MonoBehaviour behaviour)
            {
                Behaviours.Add(behaviour);
                behaviour.ActiveChanged();
            }
            return component;
        }
    }

    public class Component : Object
    {
        public GameObject gameObject { get; internal set; }

        public Transform transform
        {
            get { StubPlayer.AssertMainThread(); return gameObject.transform; }
        }

        public T GetComponent<T>() where T : MonoBehaviour
        {
            StubPlayer.AssertMainThread();
            return (T)gameObject.Behaviours.Find(behaviour => behaviour is T);
        }
    }

    public class Behaviour : Component
    {
    }

    public class MonoBehaviour : Behaviour
    {
        private bool _enabled = true;
        private bool _awoken;
        private bool _running;
        internal bool Started;

        public bool enabled
        {
            get => _enabled;
            set { StubPlayer.AssertMainThread(); _enabled = value; ActiveChanged(); }
        }

        public bool isActiveAndEnabled => !Destroyed && _enabled && gameObject.activeSelf;

        internal void ActiveChanged()
        {
            if (!Destroyed && gameObject.activeSelf && !_awoken)
            {
                _awoken = true;
                Message("Awake");
            }
            if (isActiveAndEnabled == _running) return;
            _running = isActiveAndEnabled;
            Message(_running ? "OnEnable" : "OnDisable");
        }

        internal void DestroyNow()
        {
            if (_running)
            {
                _running = false;
                Message("OnDisable");
            }
            if (_awoken) Message("OnDestroy");
            Destroyed = true;
            gameObject.Behaviours.Remove(this);
        }

        internal void Message(string method)
        {
            MethodInfo found = GetType().GetMethod(method, BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public);
            if (found == null) return;
            try
            {
                found.Invoke(this, null);
            }
            catch (TargetInvocationException error)
            {
                Debug.LogException(error.InnerException, this); // as Unity does: the frame goes on
            }
        }
    }

    public static class Time
    {
        internal static float Delta;
        public static float timeScale = 1f;

        public static double realtimeSinceStartupAsDouble { get { StubPlayer.AssertMainThread(); return StubPlayer.Now; } }

        public static float deltaTime { get { StubPlayer.AssertMainThread(); return Math.Min(Delta, maximumDeltaTime) * timeScale; } }

        public static float maximumDeltaTime { get; set; } = 1f / 3f;

        public static float unscaledDeltaTime { get { StubPlayer.AssertMainThread(); return Delta; } }
    }

    public static class Application
    {
        public static bool isPlaying => true;

        public static string productName => "Test Game";

        public static string version => "1.2";
    }

    public static class PlayerPrefs
    {
        private static readonly Dictionary<string, string> Values = new Dictionary<string, string>();

        public static string GetString(string key, string fallback) => Values.TryGetValue(key, out string value) ? value : fallback;

        public static void SetString(string key, string value)
        {
            StubPlayer.AssertMainThread();
            Values[key] = value;
            Unsaved = true;
        }

        public static void DeleteKey(string key) => Values.Remove(key);

        /// <summary>What a page that is closed, or a phone that kills the game, would lose.</summary>
        public static bool Unsaved { get; private set; }

        public static void Save() => Unsaved = false;
    }

    public static class Debug
    {
        /// <summary>Everything logged since the player started, "error", "warning" or "exception" first.</summary>
        public static readonly List<string> Lines = new List<string>();

        public static void Log(object message) => Add("log: " + message);

        public static void LogWarning(object message, Object context = null) => Add("warning: " + message);

        public static void LogError(object message, Object context = null) => Add("error: " + message);

        public static void LogException(Exception error, Object context = null) => Add("exception: " + error);

        private static void Add(string line)
        {
            lock (Lines) Lines.Add(line);
        }
    }
}

namespace UnityEngine.Events
{
    public abstract class UnityEventBase
    {
        internal int Persistent;

        public int GetPersistentEventCount() => Persistent;
    }

    public delegate void UnityAction();

    public delegate void UnityAction<T0>(T0 arg0);

    [Serializable]
    public class UnityEvent : UnityEventBase
    {
        private UnityAction _calls;

        public void AddListener(UnityAction call) => _calls += call;

        public void Invoke()
        {
            StubPlayer.AssertMainThread();
            _calls?.Invoke();
        }
    }

    [Serializable]
    public class UnityEvent<T0> : UnityEventBase
    {
        private UnityAction<T0> _calls;

        public void AddListener(UnityAction<T0> call) => _calls += call;

        public void Invoke(T0 arg0)
        {
            StubPlayer.AssertMainThread();
            _calls?.Invoke(arg0);
        }
    }
}

namespace AOT
{
    [AttributeUsage(AttributeTargets.Method)]
    public sealed class MonoPInvokeCallbackAttribute : Attribute
    {
        public MonoPInvokeCallbackAttribute(Type type)
        {
        }
    }
}
