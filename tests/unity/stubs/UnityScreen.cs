// What the samples use of Unity's built-in modules to draw: places and colours that are kept, and
// nothing on a screen.
using System;

namespace UnityEngine
{
    public struct Vector2
    {
        public float x;
        public float y;

        public Vector2(float x, float y)
        {
            this.x = x;
            this.y = y;
        }

        public static Vector2 zero => default;

        public static Vector2 operator +(Vector2 a, Vector2 b) => new Vector2(a.x + b.x, a.y + b.y);
    }

    public struct Color
    {
        public float r;
        public float g;
        public float b;
        public float a;

        public Color(float r, float g, float b, float a)
        {
            this.r = r;
            this.g = g;
            this.b = b;
            this.a = a;
        }

        public static Color white => new Color(1f, 1f, 1f, 1f);

        public static Color black => new Color(0f, 0f, 0f, 1f);

        public static Color gray => new Color(0.5f, 0.5f, 0.5f, 1f);

        public static Color HSVToRGB(float h, float s, float v) => new Color(h, s, v, 1f);

        public static Color Lerp(Color a, Color b, float t) =>
            new Color(a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t, a.a + (b.a - a.a) * t);
    }

    public static class Mathf
    {
        public static float Min(float a, float b) => Math.Min(a, b);

        public static int Max(int a, int b) => Math.Max(a, b);
    }

    public sealed class Font : Object
    {
    }

    public static class Resources
    {
        public static T GetBuiltinResource<T>(string path) where T : Object, new() => new T { name = path };

        public static T[] FindObjectsOfTypeAll<T>() where T : Object => StubPlayer.All<T>();
    }

    public sealed class Animator : Behaviour
    {
        public readonly System.Collections.Generic.List<string> Triggers = new System.Collections.Generic.List<string>();

        public void SetTrigger(string name) => Triggers.Add(name);
    }

    public enum RenderMode
    {
        ScreenSpaceOverlay,
        ScreenSpaceCamera,
        WorldSpace,
    }

    public enum TextAnchor
    {
        UpperLeft,
        MiddleLeft = 3,
    }

    public sealed class Canvas : Behaviour
    {
        public RenderMode renderMode { get; set; } = RenderMode.WorldSpace;
    }
}
