// What the client's editor code uses of UnityEditor: enough to compile it, not to run it.
using System;
using UnityEngine;

namespace UnityEngine
{
    public static class GUILayout
    {
        public static bool Button(string text) => false;
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
        public UnityEngine.Object target => null;

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
        public static T GetWindow<T>(string title) where T : EditorWindow => null;

        public void Repaint()
        {
        }
    }

    public delegate void CallbackFunction();

    public static class EditorApplication
    {
        public static CallbackFunction update;

        public static bool isPlaying => false;

        public static double timeSinceStartup => 0;
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
        public static void HelpBox(string message, MessageType type)
        {
        }

        public static void Space()
        {
        }

        public static void LabelField(string label)
        {
        }

        public static string TextField(string label, string text) => text;

        public static string PasswordField(string label, string password) => password;

        public static UnityEngine.Object ObjectField(string label, UnityEngine.Object obj, Type type, bool allowSceneObjects) => obj;

        public static UnityEngine.Object ObjectField(UnityEngine.Object obj, Type type, bool allowSceneObjects) => obj;

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
    }
}
