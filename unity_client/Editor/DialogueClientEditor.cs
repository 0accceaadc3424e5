using DialogueServer.Transport;
using UnityEditor;
using UnityEngine;

namespace DialogueServer.Editor
{
    /// <summary>
    /// The client's inspector: its status while the game plays, and a button that tries the
    /// connection while it does not.
    /// </summary>
    [CustomEditor(typeof(DialogueClient))]
    internal sealed class DialogueClientEditor : UnityEditor.Editor
    {
        private EditorSession _trial;

        public override void OnInspectorGUI()
        {
            var client = (DialogueClient)target;
            if (client.Settings == null)
                EditorGUILayout.HelpBox(
                    "Create settings with Assets > Create > Dialogue > Settings and assign them.", MessageType.Warning);
            else if (client.Settings.Problem().Length > 0)
                EditorGUILayout.HelpBox(client.Settings.Problem(), MessageType.Error);
            DrawDefaultInspector();
            EditorGUILayout.Space();
            if (EditorApplication.isPlaying) DrawStatus(client);
            else if (client.Settings != null) DrawTrial(client.Settings);
        }

        private static void DrawStatus(DialogueClient client)
        {
            string text = client.Status.ToString();
            if (client.Status == SessionStatus.Waiting) text += ", next attempt in " + client.RetryIn.ToString("0.0") + " s";
            if (client.Reason.Length > 0) text += "\n" + client.Reason;
            EditorGUILayout.HelpBox(text, Kind(client.Status));
        }

        private void DrawTrial(DialogueSettings settings)
        {
            if (GUILayout.Button("Test the connection"))
            {
                _trial?.Dispose();
                _trial = new EditorSession(settings, new ConversationRouter(), Repaint);
            }
            if (_trial != null) EditorGUILayout.HelpBox(_trial.Describe(), Kind(_trial.Session.Status));
        }

        private void OnDisable()
        {
            _trial?.Dispose();
            _trial = null;
        }

        public override bool RequiresConstantRepaint() => EditorApplication.isPlaying;

        private static MessageType Kind(SessionStatus status) => status == SessionStatus.Failed
            ? MessageType.Error
            : status == SessionStatus.Waiting ? MessageType.Warning : MessageType.Info;
    }
}
