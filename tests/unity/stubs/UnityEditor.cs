// What the client's editor code uses of UnityEditor. Nothing is drawn: a test reads what would be,
// and says which button is pressed and what stands in a field.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using UnityEngine;

namespace UnityEngine
{
    public static class GUILayout
    {
        /// <summary>The button that is pressed while this is drawn.</summary>
        public static string Pressed = "";

        public static bool Button(string text)
        {
            UnityEditor.EditorGUILayout.Shown.Add("[" + text + "]");
            return text == Pressed;
        }
    }
}

namespace UnityEditor
{
    public enum MessageType
    {
        None,
        Info,
        Warning,
        Error,
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class CustomEditor : Attribute
    {
        public CustomEditor(Type inspectedType)
        {
        }
    }

    [AttributeUsage(AttributeTargets.Method)]
    public sealed class MenuItem : Attribute
    {
        public MenuItem(string itemName)
        {
        }
    }

    public class Editor : ScriptableObject
    {
        public UnityEngine.Object target { get; set; }

        public virtual void OnInspectorGUI()
        {
        }

        public bool DrawDefaultInspector() => true;

        public virtual bool RequiresConstantRepaint() => false;

        public void Repaint()
        {
        }
    }

    public class EditorWindow : ScriptableObject
    {
        public static T GetWindow<T>(string title) where T : EditorWindow, new() => new T();

        public void Repaint()
        {
        }
    }

    public delegate void CallbackFunction();

    public static class EditorApplication
    {
        public static CallbackFunction update;

        private static readonly Stopwatch Clock = Stopwatch.StartNew();

        public static bool isPlaying { get; set; }

        public static double timeSinceStartup => Clock.Elapsed.TotalSeconds;
    }

    public static class AssemblyReloadEvents
    {
        public delegate void AssemblyReloadCallback();

        public static event AssemblyReloadCallback beforeAssemblyReload;

        internal static void Raise() => beforeAssemblyReload?.Invoke();
    }

    public static class EditorUtility
    {
        public static bool IsPersistent(UnityEngine.Object target) => false;
    }

    public static class EditorGUILayout
    {
        /// <summary>What was drawn, in order.</summary>
        public static readonly List<string> Shown = new List<string>();

        /// <summary>What the user has written into fields, by their label.</summary>
        public static readonly Dictionary<string, object> Fields = new Dictionary<string, object>();

        public static void HelpBox(string message, MessageType type) => Shown.Add(type + ": " + message);

        public static void Space()
        {
        }

        public static void LabelField(string label) => Shown.Add(label);

        public static string TextField(string label, string text) => (string)Field(label, text);

        public static string PasswordField(string label, string password) => (string)Field(label, password);

        public static UnityEngine.Object ObjectField(string label, UnityEngine.Object obj, Type type, bool allowSceneObjects) =>
            (UnityEngine.Object)Field(label, obj);

        public static UnityEngine.Object ObjectField(UnityEngine.Object obj, Type type, bool allowSceneObjects)
        {
            Shown.Add(obj.name);
            return obj;
        }

        public static void BeginHorizontal()
        {
        }

        public static void EndHorizontal()
        {
        }

        public static Vector2 BeginScrollView(Vector2 scroll) => scroll;

        public static void EndScrollView()
        {
        }

        private static object Field(string label, object value) =>
            Fields.TryGetValue(label, out object written) ? written : value;
    }
}
